/// An index into tables of one kind of element.
///
/// Positions of instructions, kernels and groups are types of their own, so that none is taken for another.
package struct TableIndex<Kind>: Hashable, Strideable, Sendable {
  /// The number of elements before this one.
  package let offset: Int

  package init(_ offset: Int) { self.offset = offset }
  package func distance(to other: Self) -> Int { other.offset - offset }
  package func advanced(by count: Int) -> Self { Self(offset + count) }
}

/// An array whose indices are of type `TableIndex<Kind>`.
package struct Table<Kind, Element>: RandomAccessCollection, MutableCollection {
  package typealias Index = TableIndex<Kind>
  private var elements: [Element]

  package init() { elements = [] }
  package init(_ elements: some Sequence<Element>) { self.elements = Array(elements) }

  /// One `element` for each of another table's.
  package init<Other>(repeating element: Element, for other: Table<Kind, Other>) {
    elements = Array(repeating: element, count: other.count)
  }

  package var startIndex: Index { Index(0) }
  package var endIndex: Index { Index(elements.count) }
  package subscript(index: Index) -> Element {
    get { elements[index.offset] }
    // In place: a setter would copy nested arrays at each change.
    _modify { yield &elements[index.offset] }
  }

  /// Adds an element at the end and returns its index.
  @discardableResult
  package mutating func append(_ element: Element) -> Index {
    elements.append(element)
    return Index(elements.count - 1)
  }
}

extension Table: Sendable where Element: Sendable {}

/// The index of an instruction in its listing.
package typealias Position = TableIndex<Listing.Instruction>
/// The index of a kernel in its listing or schedule.
package typealias KernelIndex = TableIndex<KernelListing.Kernel>

extension TableIndex: CustomStringConvertible {
  package var description: String { "%\(offset)" }
}

/// The elements of an instruction's result, known by that instruction.
///
/// A reshape has no buffer of its own and shares its input's. A materialized buffer has memory; any other exists
/// inside a cluster only, one tile at a time.
package struct Buffer: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The instruction that computes the elements.
  package let position: Position

  package static func < (a: Buffer, b: Buffer) -> Bool { a.position < b.position }
  package var description: String { position.description }
}

extension Table where Kind == Listing.Instruction {
  package subscript(buffer: Buffer) -> Element {
    self[buffer.position]
  }
}

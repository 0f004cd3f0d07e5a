import Datasets
import Support

/// Formats rows in columns as wide as their widest cell, numbers flush right.
///
/// Control characters in cells are escaped, because names of runs and files may hold anything.
func table(_ rows: [[String]], rightAligned: Set<Int> = []) -> [String] {
  let rows = rows.map { $0.map { escaped($0) } }
  let columns = rows.map(\.count).max() ?? 0
  let widths = (0..<columns).map { column in
    rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
  }
  return rows.map { row in
    var line = ""
    for (column, cell) in row.enumerated() {
      let padding = String(repeating: " ", count: widths[column] - cell.count)
      let isLast = column == row.count - 1
      line += rightAligned.contains(column) ? padding + cell : cell + (isLast ? "" : padding)
      if !isLast { line += "  " }
    }
    return line
  }
}

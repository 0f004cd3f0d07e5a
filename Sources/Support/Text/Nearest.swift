/// The candidate nearest to a mistyped word, or nil if none is near enough.
package func nearest(to word: String, among candidates: [String]) -> String? {
  guard word.unicodeScalars.count <= 100 else { return nil }
  let allowed = max(1, (word.unicodeScalars.count + 1) / 3)
  let ranked = candidates.filter { $0.unicodeScalars.count <= 200 }
    .map { ($0, editDistance(word.lowercased(), $0.lowercased())) }
  guard let best = ranked.min(by: { $0.1 < $1.1 }), best.1 <= allowed else { return nil }
  return best.0
}

/// The edit distance: the least number of insertions, deletions, replacements and transpositions of
/// neighbouring characters.
package func editDistance(_ a: String, _ b: String) -> Int {
  let (a, b) = (Array(a.unicodeScalars), Array(b.unicodeScalars))
  var rows = [Array(0...b.count)]
  for i in 0..<a.count {
    var row = [i + 1]
    for j in 0..<b.count {
      var cost = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        cost = min(cost, rows[i - 1][j - 1] + 1)
      }
      row.append(cost)
    }
    rows.append(row)
  }
  return rows[a.count][b.count]
}

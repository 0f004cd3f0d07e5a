/// Returns true if a component of `path` is one that desktops, file servers or tools leave behind:
/// a hidden file, `__MACOSX`, `Thumbs.db`.
package func isLitter(_ path: String) -> Bool {
  path.split(separator: "/").contains { $0.hasPrefix(".") || litter.contains($0.lowercased()) }
}

private let litter: Set<String> = [
  "__macosx", "__pycache__", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini",
  "icon\r", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found",
  "network trash folder", "temporary items",
]

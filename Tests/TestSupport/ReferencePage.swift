import Posix

/// Pages of `docs/reference` that are made from the code's own tables.
public enum ReferencePage {
  /// Lines that are in the page and not in the code, and the other way round.
  public struct Outdated: Error, CustomStringConvertible {
    public var path: String
    public var difference: [String]

    public var description: String {
      "\(path) is not what the code says:\n" + difference.map { "  \($0)\n" }.joined()
        + "Mend it with: make docs"
    }
  }

  /// Holds `docs/reference/NAME.md` against what the code says. With `UPDATE_DOCS=1` in the
  /// environment the page is written instead.
  public static func check(_ name: String, _ generated: String) throws {
    let path = "docs/reference/\(name).md"
    let file = Workspace.root + "/" + path
    if Environment.current["UPDATE_DOCS"] == "1" {
      return try Files.replace(file, with: Array(generated.utf8), mode: 0o644)
    }
    let kept = String(decoding: try Files.readIfThere(file) ?? [], as: UTF8.self)
    if kept == generated { return }
    throw Outdated(path: path, difference: difference(lines(kept), lines(generated)))
  }

  /// A cell of a table may hold no bar of its own.
  public static func row(_ cells: [String]) -> String {
    "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |\n"
  }

  private static func lines(_ text: String) -> [Substring] {
    text.split(separator: "\n", omittingEmptySubsequences: false)
  }

  private static func difference(_ old: [Substring], _ new: [Substring]) -> [String] {
    new.difference(from: old).map { change in
      switch change {
      case .remove(let offset, let line, _): "\(offset + 1) - \(line)"
      case .insert(let offset, let line, _): "\(offset + 1) + \(line)"
      }
    }
  }
}

/// Licences by their SPDX ids. Packages name them in free words: `Apache 2.0`, `The MIT License`, `BSD-3-Clause`.
enum SPDXLicence {
  /// The licences of packages on Hex. Source: SPDX License List, spdx.org/licenses.
  static let ids = [
    "0BSD", "AFL-3.0", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "Artistic-2.0",
    "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-4-Clause", "BSL-1.0", "BUSL-1.1",
    "CC-BY-4.0", "CC-BY-SA-4.0", "CC0-1.0", "CDDL-1.0", "CDDL-1.1", "ECL-2.0", "EPL-1.0", "EPL-2.0",
    "ErlPL-1.1", "EUPL-1.2", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only",
    "GPL-3.0-or-later", "ISC", "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only",
    "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-1.1", "MPL-2.0", "MulanPSL-2.0", "NCSA", "OFL-1.1",
    "OSL-3.0", "PostgreSQL", "Python-2.0", "Ruby", "Unicode-DFS-2016", "Unlicense", "UPL-1.0",
    "Vim", "W3C", "WTFPL", "X11", "Zlib", "ZPL-2.1",
  ]

  /// Other spellings, as `key` has them.
  private static let others = [
    "apache2": "Apache-2.0", "asl2": "Apache-2.0", "asl2.0": "Apache-2.0", "al2.0": "Apache-2.0",
    "apache20": "Apache-2.0", "apachesoftware2.0": "Apache-2.0", "expat": "MIT", "x11mit": "MIT",
    "bsd3": "BSD-3-Clause", "3clausebsd": "BSD-3-Clause", "newbsd": "BSD-3-Clause",
    "modifiedbsd": "BSD-3-Clause", "revisedbsd": "BSD-3-Clause", "bsd2": "BSD-2-Clause",
    "2clausebsd": "BSD-2-Clause", "simplifiedbsd": "BSD-2-Clause", "freebsd": "BSD-2-Clause",
    "mpl2": "MPL-2.0", "mozillapublic2.0": "MPL-2.0", "erlangpublic1.1": "ErlPL-1.1",
    "gpl2.0": "GPL-2.0-only", "gpl2": "GPL-2.0-only", "gpl3.0": "GPL-3.0-only",
    "gpl3": "GPL-3.0-only", "agpl3.0": "AGPL-3.0-only", "agpl3": "AGPL-3.0-only",
    "lgpl2.1": "LGPL-2.1-only", "lgpl3.0": "LGPL-3.0-only", "lgpl3": "LGPL-3.0-only",
    "cc0": "CC0-1.0", "boostsoftware1.0": "BSL-1.0", "0clausebsd": "0BSD", "iscl": "ISC",
  ]

  private static let byKey = Dictionary(
    ids.map { (key($0), $0) } + others.map { ($0, $1) }, uniquingKeysWith: { first, _ in first })

  /// The text without the parts in which spellings differ: case, blanks, dashes, `the`, `license`, a version's `v`.
  private static func key(_ text: String) -> String {
    let words = text.lowercased().split {
      !($0.isASCII && ($0.isLetter || $0.isNumber)) && $0 != "."
    }
    let telling = words.filter { !["the", "license", "licence", "version", "v"].contains($0) }
    var key = telling.joined()
    // `gplv3`
    if let v = key.firstIndex(of: "v"), v > key.startIndex,
      key[key.index(after: v)...].first?.isNumber == true, key[..<v].allSatisfy(\.isLetter)
    {
      key.remove(at: v)
    }
    return key
  }

  /// The id that a package's text means, or an expression such as `MIT OR Apache-2.0`; nil if it is not clear.
  static func expression(_ text: String) -> String? {
    if let id = byKey[key(text)] { return id }
    for (separator, word) in [(" or ", " OR "), (" and ", " AND ")] {
      let parts = split(text.lowercased().filter { $0 != "(" && $0 != ")" }, at: separator)
      let ids = parts.compactMap { byKey[key($0)] }
      if parts.count > 1, ids.count == parts.count {
        return "(" + ids.joined(separator: word) + ")"
      }
    }
    return nil
  }

  private static func split(_ text: String, at separator: String) -> [String] {
    var (parts, rest): ([String], Substring) = ([], text[...])
    while let range = rest.firstRange(of: separator) {
      parts.append(String(rest[..<range.lowerBound]))
      rest = rest[range.upperBound...]
    }
    return parts + [String(rest)]
  }
}

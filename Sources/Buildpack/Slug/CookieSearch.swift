import Posix
import ReleaseModel

/// A search for cookies in the files with the virtual machine's arguments. By default relx writes the release's name
/// there as its cookie.
public enum CookieSearch {
  public static func findings(in slug: String, _ releases: [OTPRelease]) throws(PosixError)
    -> [SlugFinding]
  {
    var findings: [SlugFinding] = []
    for release in releases {
      let folder = (release.folder.map { $0 + "/" } ?? "") + "releases/\(release.version)"
      for name in try Files.list(slug + "/" + folder) where name.contains("vm.args") {
        let file = folder + "/" + name
        guard let bytes = try Files.readIfThere(slug + "/" + file, limit: 1 << 20) else { continue }
        findings += lines(String(decoding: bytes, as: UTF8.self)).map {
          .cookie(file: file, line: $0)
        }
      }
    }
    return findings
  }

  /// Numbers of the lines that set a cookie, from 1.
  private static func lines(_ text: String) -> [Int] {
    text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap {
      let words = $1.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
      guard let flag = words.firstIndex(of: "-setcookie"), flag + 1 < words.count else {
        return nil
      }
      return isFilledIn(words[flag + 1]) ? nil : $0 + 1
    }
  }

  /// Whether the start script replaces the word with a variable's value, without a default.
  private static func isFilledIn(_ word: Substring) -> Bool {
    word.hasPrefix("${") && word.hasSuffix("}") && !word.contains(":-")
  }
}

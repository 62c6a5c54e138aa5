import Posix
import Testing

@testable import Buildpack

@Suite struct BuildPathSearchTests {
  private static let root = "/var/tmp/reltui-build"

  /// Paths in a module, and those of them that the code will not find.
  private static let texts: [(String, [String])] = [
    ("nothing", []),
    // Paths of source, which macros and stack traces hold and no code reads.
    ("ROOT/app/lib/shop/repo.ex", []), ("ROOT/app/deps/ecto/lib/ecto/repo.ex", []),
    ("ROOT/app/apps/web/lib/web/layouts", []), ("ROOT/app/src/shop.erl", []),
    // Paths in the configuration of esbuild and tailwind.
    ("ROOT/app/assets", []), ("ROOT/app/deps", []), ("cd: ROOT/app/config", []),
    ("\"ROOT/app/priv/words.txt\", 1", ["priv/words.txt"]),
    ("<<\"ROOT/app/data\">>", ["data"]), ("ROOT/app\0x", ["the source"]),
    ("ROOT/app/backend/priv/x and ROOT/app/backend/priv/x", ["backend/priv/x"]),
    ("ROOT/build/lib/shop/priv/x", ["build/lib/shop/priv/x"]), ("ROOT\"", ["everything"]),
    ("ROOT-2f/app/priv/x", []), ("ROOT/tmp/x", []), ("/home/ROOT/app/priv", ["priv"]),
    ("/var/tmp/reltui-buil", []), ("ROOT/app/priv/a\nROOT/app/priv/b", ["priv/a", "priv/b"]),
  ]

  @Test func findsPathsThatTheCodeWillNotFind() {
    let search = BuildPathSearch(WorkFolder(root: Self.root), own: ["shop"])
    for (text, expected) in Self.texts {
      let bytes = Array(text.replacing("ROOT", with: Self.root).utf8)
      #expect(search.paths(in: bytes) == expected, "\(text)")
    }
  }

  @Test func printsOneLine() {
    let one = BuildPathSearch.BuildPath(file: "lib/shop-1/ebin/x.beam", path: "priv/words.txt")
    #expect(BuildPathSearch.line([]) == nil)
    #expect(
      BuildPathSearch.line([one, one, one])
        == "lib/shop-1/ebin/x.beam holds the path of priv/words.txt in the build's folder, which is not"
        + " there when it runs, and there are 2 more: use Application.app_dir")
  }
}

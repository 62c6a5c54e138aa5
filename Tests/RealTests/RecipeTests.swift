import Events
import Posix
import TestSupport
import Testing

/// The recipes for CI in the guide, run line by line by a plain shell in the place of a runner.
@Suite(.waitsForPrograms) struct RecipeTests {
  let stage: Stage

  init() throws {
    stage = try Stage("recipe", router: true)
    let answer = try stage.run("relctl", ["deploy", "shop", try stage.writeTrafficSlug("own")])
    #expect(answer.exit == .code(0), "\(answer.errors)")
    // `sudo` for the host, and `gh` and `curl` in the place of the forge: they keep the comments as files.
    try program("sudo", "exec \"$@\"")
    try program("relctl", "exec \(try Workspace.program("relctl")) \"$@\"")
    try program(
      "gh",
      """
      cd "$FORGE"; echo "gh $*" >> calls
      case "$*" in
        *PATCH*) cp "$OLDPWD/comment.md" comment-7 ;;
        *"body=@comment.md"*) [ ! -e comment-7 ] || exit 9; cp "$OLDPWD/comment.md" comment-7 ;;
        *"pr list"*) echo 12 ;;
        *paginate*) [ ! -e comment-7 ] || echo 7 ;;
      esac
      """)
    try program(
      "curl",
      """
      cd "$FORGE"; echo "curl $*" >> calls
      case "$*" in
        *"-X PUT"*) cp "$OLDPWD/comment.md" comment-7 ;;
        *"-X POST"*) [ ! -e comment-7 ] || exit 9; cp "$OLDPWD/comment.md" comment-7 ;;
        *) python3 -c 'import json,os; print(json.dumps([{"id": 7, "body": open("comment-7").read()}] if os.path.exists("comment-7") else []))' ;;
      esac
      """)
    try Files.makeFolder(stage.folder.path + "/forge")
  }

  private func program(_ name: String, _ text: String) throws {
    try stage.folder.write("bin/\(name)", "#!/bin/sh\n\(text)\n", mode: 0o755)
  }

  /// The guide's recipe that begins with this line.
  private func recipe(_ file: String) throws -> [Substring] {
    let guide = try Files.read(Workspace.root + "/docs/guide/previews.md")
    let blocks = String(decoding: guide, as: UTF8.self).split(separator: "```yaml\n")
    let block = try #require(blocks.first { $0.hasPrefix("# \(file)\n") })
    return block.split(separator: "\n", omittingEmptySubsequences: false).prefix { $0 != "```" }
      + []
  }

  /// What a job of a recipe runs: each `run:` of GitHub, each line of `script:` of GitLab.
  private func scripts(_ recipe: [Substring], job: String) -> [String] {
    let lines = recipe.drop { $0.drop { $0 == " " } != "\(job):" }
    let depth = lines.first?.prefix { $0 == " " }.count ?? 0
    let own = lines.dropFirst().prefix { line in
      line.allSatisfy { $0 == " " } || line.prefix { $0 == " " }.count > depth
    }
    var found: [String] = []
    var (inside, indent): (String?, Int) = (nil, 0)
    var inScript = false
    for line in own + ["end"] {
      let column = line.prefix { $0 == " " }.count
      if let text = inside {
        if column > indent || line.isEmpty {
          inside = text + String(line.drop { $0 == " " }) + "\n"
          continue
        }
        found.append(text)
        inside = nil
      }
      let words = String(line.drop { $0 == " " })
      if words == "- run: |" {
        (inside, indent) = ("", column)
      } else if words.hasPrefix("- run: ") {
        found.append(String(words.dropFirst(7)))
      } else if words.hasPrefix("script:") {
        inScript = true
      } else if inScript, words.hasPrefix("- ") {
        found.append(String(words.dropFirst(2)))
      } else {
        inScript = false
      }
    }
    return found
  }

  private func follow(_ scripts: [String], _ variables: [String: String]) throws {
    #expect(!scripts.isEmpty)
    var environment = stage.environment.merging(variables) { $1 }
    environment["PATH"] = stage.folder.path + "/bin:" + (environment["PATH"] ?? "")
    environment["FORGE"] = stage.folder.path + "/forge"
    // GitLab runs all lines in one shell; GitHub each step in its own, which makes no difference here.
    let result = try Invocation(
      ["bash", "-euo", "pipefail", "-c", scripts.joined(separator: "\n")],
      in: stage.folder.path + "/review", environment: environment
    ).run(limit: 120_000)
    #expect(result.isSuccess, "\(scripts): \(result.text)")
  }

  private func comment() throws -> String {
    String(decoding: try Files.read(stage.folder.path + "/forge/comment-7"), as: UTF8.self)
  }

  private func check(_ name: String) throws {
    let text = try comment()
    #expect(
      text.hasPrefix("<!-- reltui preview \(name) -->\n### Preview of #12: ready\n"), "\(text)")
    #expect(text.contains("| URL | http://pr-12.shop.localhost:"))
    #expect(text.contains("Compared with shop v1:"))
  }

  @Test func gitHub() throws {
    let recipe = try recipe(".github/workflows/preview.yml")
    let variables = ["APP": "shop", "PR": "12", "GITHUB_REPOSITORY": "acme/shop", "GH_TOKEN": "x"]
    _ = try stage.writeTrafficSlug("review", version: 2)
    try follow(scripts(recipe, job: "open"), variables)
    try check("shop-pr-12")
    // A push updates the preview, and the same comment.
    _ = try stage.writeTrafficSlug("review", version: 3)
    try follow(scripts(recipe, job: "open"), variables)
    #expect(try comment().contains("as v2"))
    let gc = try self.recipe(".github/workflows/previews-gc.yml")
    try follow(scripts(gc, job: "gc"), variables)
    #expect(try stage.relctl("preview", "show", "shop-pr-12").exit == .code(0))
    try follow(scripts(recipe, job: "close"), variables)
    #expect(try stage.relctl("preview", "show", "shop-pr-12").exit == .code(69))
    // Closing a pull request without a preview is no failure.
    try follow(scripts(recipe, job: "close"), variables)
  }

  @Test func gitLab() throws {
    let recipe = try recipe(".gitlab-ci.yml")
    let variables = [
      "APP": "shop", "CI_MERGE_REQUEST_IID": "12",
      "CI_API_V4_URL": "https://gitlab.example.com/api/v4",
      "CI_PROJECT_ID": "5", "PREVIEW_TOKEN": "x",
    ]
    for version in 2...3 {
      _ = try stage.writeTrafficSlug("review", version: version)
      try follow(scripts(recipe, job: "open preview"), variables)
      try check("shop-pr-12")
    }
    try follow(scripts(recipe, job: "close preview"), variables)
    #expect(try stage.relctl("preview", "show", "shop-pr-12").exit == .code(69))
  }

  /// Those of the recipe for forks are the words of a command that is tested with a fork.
  @Test func fork() throws {
    let recipe = try recipe(".github/workflows/preview-of-fork.yml")
    let words = try #require(scripts(recipe, job: "open").first)
    #expect(
      words
        == #"sudo relctl preview open --app "$APP" --pr "$PR" --git "$URL" --ref "$SHA" --fork"#)
  }
}

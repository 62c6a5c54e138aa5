import CommandLine
import Events
import PlainText

extension Command {
  static let explain = Command(
    CommandSyntax(
      "explain", "RT-ID…", count: 1...20, "say what the id of an error means",
      details: "An error ends with its id: relctl explain RT-CONFIG-MISSING", options: [.json])
  ) { call throws(Cause) in
    let problems = try call.arguments.positional.map { word throws(Cause) in
      try Problem(named: word)
    }
    if call.wantsJSON {
      call.print(json: problems)
    } else {
      call.context.print(problems.map(\.text).joined(separator: "\n"))
    }
    return .success
  }
}

private struct Problem: Encodable {
  let id: String
  let meaning: String
  let details: String?
  let exitCode: Int32
  let remedy: String?

  init(named word: String) throws(Cause) {
    let known = ProblemID.allCases
    // The operator may have copied the brackets around the id.
    let name = word.uppercased().filter { $0 != "[" && $0 != "]" }
    guard let problem = known.first(where: { [name, "RT-" + name].contains($0.rawValue) }) else {
      let near = Spelling.nearest(to: name, among: known.map(\.rawValue)).first
      throw Cause(
        .usage, "there is no error '\(word)'" + (near.map { "; did you mean '\($0)'?" } ?? ""),
        remedy: "An error ends with its id, as in: [RT-APP-UNKNOWN]")
    }
    (id, meaning, exitCode) = (problem.rawValue, problem.meaning, problem.exitCode)
    (remedy, details) = (problem.remedy, problem.details)
  }

  var text: String {
    let long = details.map { Printable.wrap($0, to: 90, most: 20).map { "  \($0)" } } ?? []
    let lines = ["\(id): \(meaning)"] + long + ["  exit code \(exitCode)"]
    return (lines + [remedy.map { "  \($0)" }].compactMap { $0 }).joined(separator: "\n")
  }
}

import Posix

// The parent process of one run, or of the router. It is small on purpose: it outlives agents, and an app must never end because of it.

Signals.turnWriteFailuresIntoErrors()
let words = Array(CommandLine.arguments.dropFirst())
// The agent must not wait for the removal of a large tree, so it starts this program for it, too.
if words.first == "--remove" { Program.exit(EndedRuns.remove(words.dropFirst())) }
do {
  if words.first == "--router", words.count == 4 {
    var keeper = try RouterKeeper(words[1], program: words[2], agent: words[3])
    try keeper.run()
    Program.exit(0)
  }
  var shim = try Shim(try ShimOptions(words))
  try shim.run()
} catch {
  Program.complain("\(error)")
  Program.exit(error is ShimOptions.Misuse ? 64 : 69)
}

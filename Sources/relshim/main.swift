import Posix

// Parent of one run. It is small and plain on purpose: it outlives agents, and must never be the reason why an app ends.

Signals.turnWriteFailuresIntoErrors()
do {
  var shim = try Shim(try Options(Array(CommandLine.arguments.dropFirst())))
  try shim.run()
} catch {
  try? File(owning: Descriptor.copy(of: 2), name: "standard error").write("relshim: \(error)\n")
  Program.exit(error is Options.Misuse ? 64 : 69)
}

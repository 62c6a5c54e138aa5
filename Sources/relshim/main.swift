import Posix

// The parent process of one run. It is small on purpose: it outlives agents, and an app must never end because of it.

Signals.turnWriteFailuresIntoErrors()
do {
  var shim = try Shim(try ShimOptions(Array(CommandLine.arguments.dropFirst())))
  try shim.run()
} catch {
  try? File(owning: Descriptor.copy(of: 2), name: "standard error").write("relshim: \(error)\n")
  Program.exit(error is ShimOptions.Misuse ? 64 : 69)
}

import Posix

// Measures the budgets, each beside its peer in the same run where there is one. `make bench` runs it;
// it is never installed and never a test.

Signals.turnWriteFailuresIntoErrors()
do {
  let bench = try Bench()
  defer { bench.clean() }
  print(Row.head)
  try bench.appends()
  try bench.firstFrame()
  try bench.build()
  try bench.deploy()
} catch {
  print("relbench: \(error)")
  Program.exit(1)
}

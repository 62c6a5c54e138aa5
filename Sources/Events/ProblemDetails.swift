extension ProblemID {
  /// The long form of the meaning, for causes that an operator meets at night: what is known then, and where to look.
  /// Nil if the meaning says it all.
  public var details: String? {
    switch self {
    case .connection:
      """
      The sentence names what could not connect and to where, as its error or the log says it. "Connection refused" \
      means that the host answers and nothing listens on that port; "no such host" that DNS has no address for the \
      name; a timeout that nothing answers, often because of a firewall. The fact "address" holds the address. Look at \
      the config var that holds it (relctl config APP), then at the server itself.
      """
    case .portTaken:
      """
      The sentence names the program that holds the port, if one holds it now. An app must listen on the port in the \
      variable PORT, which differs from run to run, since two releases run beside each other during a deployment. A \
      port that is written into the source is held by the release before.
      """
    case .applicationFailed:
      """
      The VM starts the OTP applications of a release one after the other, and ends if one does not start. The sentence \
      names the child of its supervisor, or the function, that failed, and the place in its code. The evidence is the \
      report of the failure with its stack trace.
      """
    case .applicationEnded:
      """
      The VM ends when an application that must run ends. That happens when its top supervisor gives up, because a \
      child crashed too often. If a log or the reason tells how the child crashed, the sentence does, too. If it says \
      that no log does, let the logger print errors on standard output.
      """
    case .runtimeConfig:
      """
      The start of a release evaluates config/runtime.exs, and reads sys.config. The sentence names the file, and the \
      line if it is known: a stack trace of run-time configuration has no lines.
      """
    case .configMissing:
      """
      The sentence names the variable and the line that reads it. It was missing in the run's environment: neither a \
      config var, nor app.json, nor a script of the release sets it. relctl config APP set NAME reads the value from \
      standard input, so that it is in no history of a shell.
      """
    case .moduleMissing:
      """
      A release loads all its code when it starts. A module that is missing belongs to an application that is no \
      dependency in mix.exs or rebar.config, or its name is wrong. A file that is damaged was changed after the build: \
      relctl slug verify SLUG tells.
      """
    case .nativeCode:
      """
      A module loads a library of native code (a NIF) when it is loaded itself; if that fails, the VM ends. The library \
      was not built, or needs another system than this host has.
      """
    case .targetMismatch:
      """
      A release brings the VM, and libraries of native code, as they are on the host that built it. The sentence names \
      the file, what it needs and what this host has. Build on a host of the same architecture, with the same or an \
      older glibc, and the same OpenSSL.
      """
    case .virtualMachineArguments:
      """
      The VM reads its arguments from vm.args, ERL_FLAGS, ERL_AFLAGS and ERL_ZFLAGS before it does anything else. The \
      sentence names the line of vm.args, if the argument is there.
      """
    case .nodeNameTaken:
      """
      Each run has a node name of its own, which reltui puts into RELEASE_NODE. A release whose env.sh or vm.args sets \
      another one can run once only, so that no second release can start beside it.
      """
    case .killed:
      """
      SIGKILL leaves a program no time to say anything. It was not reltui, which says so when it kills. Most often it \
      was the kernel because memory ran out (dmesg | grep -i oom), or a person.
      """
    case .memoryGone:
      """
      Either the kernel killed the program because the whole host had no memory left, or the VM asked the kernel for \
      memory and got none, which happens under a limit of address space (ulimit -v). Then the \
      crash dump in the run's home tells which processes held most: look for the greatest "Stack+heap" in it.
      """
    case .bootTimeout:
      """
      A run must be ready within the time of its health check in app.json (attempts × wait), at least a minute. The \
      sentence says what it waits for: the process that hangs while an application starts, or the answer of the health \
      check together with what was logged meanwhile.
      """
    case .notReady:
      """
      The run was ready and fails its readiness check three times in a row. It gets no traffic and is not restarted: the \
      fault is often elsewhere, as in a database. The sentence has the answer together with what was logged meanwhile.
      """
    case .releasePhase:
      """
      The process type "release" of the Procfile runs before the new release starts, and ended with an error. Nothing \
      of the new release runs. The sentence names the migration, if the log does. What it did before it failed is not \
      undone; a migration in a transaction is.
      """
    case .router:
      """
      The router is a HAProxy of its own, which the agent starts for the home. It listens on 127.0.0.1, on the first free \
      port from 8080 on. What it prints is in the file router/log of the home. Without it every instance still serves on \
      its own port, which relctl ps shows. RELTUI_HAPROXY names another program, or is "none" for a host without router.
      """
    case .crashed, .bootFailed:
      """
      The program ended by itself. If what it printed says why, the sentence does, too; otherwise it says how the \
      program ended. The fact "ending" holds the exit code or the signal. Its whole output: relctl logs APP/INSTANCE. A \
      VM that was stopped by its own code (System.halt, init:stop) prints nothing.
      """
    case .runLost:
      """
      The parent of the run's program was killed, so that its output and exit are lost. The program itself may have gone \
      on; it was replaced by a new run.
      """
    default: nil
    }
  }
}

import Events
import HomeLayout
import Instance
import Testing

@Suite struct ExitCauseTests {
  static func cause(
    _ text: String, _ exit: RunStatus.Exit? = .code(1), wasReady: Bool = false,
    process: String = "web"
  ) -> Cause {
    var status = RunStatus(boot: "b", shim: RunStatus.Process(pid: 1, started: 1))
    status.exit = exit
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map {
      LogLine(time: Timestamp(milliseconds: Int64($0.offset)), text: String($0.element))
    }
    return ExitCause.of(
      run(process, port: 4001), app: "demo", status: status, lines: lines, wasReady: wasReady)
  }

  /// The output of real failed boots, and the line that names the cause.
  static let lastWords: [(telling: String, text: String)] = [
    (
      #"** (System.EnvError) could not fetch environment variable "GREETER_GREETING" because it is not set"#,
      """
      ERROR! Config provider Config.Reader failed with:
      ** (System.EnvError) could not fetch environment variable "GREETER_GREETING" because it is not set
          (elixir 1.14.0) lib/system.ex:706: System.fetch_env!/1
          (stdlib 4.2) erl_eval.erl:744: :erl_eval.do_apply/7

      {"init terminating in do_boot",{#{'__exception__'=>true,env=><<"GREETER_GREETING">>},[]}}
      init terminating in do_boot ({,[{Elixir.System,fetch_env!,1,[{_},{_}]}]})
      """
    ),
    (
      "** (RuntimeError) no phrases",
      """
      08:17:07.450 [info] warming up 4/4: small talk
      08:17:07.450 [notice] Application greeter exited: Greeter.Application.start(:normal, []) returned an error: shutdown: failed to start child: Greeter.Warmup
          ** (EXIT) an exception was raised:
              ** (RuntimeError) no phrases
                  (greeter 0.1.0) lib/greeter/warmup.ex:29: Greeter.Warmup.init/1
      {"Kernel pid terminated",application_controller,"{application_start_failure,greeter,{{shutdown,{failed_to_start_child,'Elixir.Greeter.Warmup',{}}}}}"}
      Kernel pid terminated (application_controller) ({application_start_failure,greeter,{}})

      Crash dump is being written to: erl_crash.dump...done
      """
    ),
    (
      "08:17:11.050 [error] cannot listen on 127.0.0.1:47613: address already in use",
      """
      08:17:11.050 [error] cannot listen on 127.0.0.1:47613: address already in use
      08:17:11.050 [notice] Application greeter exited: shutdown: failed to start child: Greeter.Endpoint
          ** (EXIT) shutdown: failed to start child: Greeter.Endpoint.Listener
              ** (EXIT) :eaddrinuse
      Kernel pid terminated (application_controller) ({application_start_failure,greeter,eaddrinuse})
      """
    ),
    (
      "Kernel pid terminated (application_controller) ({application_start_failure,demo,{listen,eaddrinuse}})",
      """
      =INFO REPORT==== 21-Nov-2026::08:17:07 ===
      Kernel pid terminated (application_controller) ({application_start_failure,demo,{listen,eaddrinuse}})

      Crash dump is being written to: /run/erl_crash.dump...done

      """
    ),
    (
      "Protocol 'inet_tcp': the name demo@127.0.0.1 seems to be in use by another Erlang node",
      """
      Protocol 'inet_tcp': the name demo@127.0.0.1 seems to be in use by another Erlang node
      {"Kernel pid terminated",application_controller,"{application_start_failure,kernel,{}}"}
      """
    ),
    (
      "** (SyntaxError) releases/0.1.0/runtime.exs:3:1: syntax error before: end",
      """
      ERROR! Config provider Config.Reader failed with:
      ** (SyntaxError) releases/0.1.0/runtime.exs:3:1: syntax error before: end
          (elixir 1.14.0) lib/code.ex:1: Code.eval/1
      """
    ),
    (
      #"{"init terminating in do_boot",{load_failed,['Elixir.Demo']}}"#,
      #"{"init terminating in do_boot",{load_failed,['Elixir.Demo']}}"#
        + "\nCrash dump is being written to: erl_crash.dump...done"
    ),
    (
      #"{"init terminating in do_boot",{'cannot get bootfile','start.boot'}}"#,
      #"{"init terminating in do_boot",{'cannot get bootfile','start.boot'}}"#
        + "\nCrash dump is being written to: erl_crash.dump...done"
    ),
    (
      "beam.smp: /lib/libc.so.6: version `GLIBC_2.99' not found (required by beam.smp)",
      "beam.smp: /lib/libc.so.6: version `GLIBC_2.99' not found (required by beam.smp)\n"
    ),
    (
      "libcrypto.so.1.1: cannot open shared object file: No such file or directory",
      "[warning] crypto\nlibcrypto.so.1.1: cannot open shared object file: No such file or directory\n"
    ),
    ("/bin/sh: 1: exec: erl: Exec format error", "x\n/bin/sh: 1: exec: erl: Exec format error"),
    ("unknown flag -Zq", "unknown flag -Zq\n"),
    (
      "cat: /slug/releases/COOKIE: No such file or directory",
      "cat: /slug/releases/COOKIE: No such file or directory\n"
    ),
    ("/bin/sh: 1: bin/dmo: not found", "/bin/sh: 1: bin/dmo: not found\n"),
    ("the last thing it said", "hello\nthe last thing it said\n   \n"),
  ]

  @Test func sentenceHasTheLineWithTheCause() {
    for (telling, text) in Self.lastWords {
      let cause = Self.cause(text)
      #expect(cause.sentence == "web.1 of v3 ended with exit code 1: \(telling)")
      let last = cause.evidence.last?.text.drop { $0 == " " }
      #expect(last.map(String.init) == telling && cause.evidence.count <= 3)
    }
  }

  @Test func lineEndingInAColonTakesTheNext() {
    let cause = Self.cause(
      """
      ** (ArgumentError) errors were found at the given arguments:

        * 1st argument: not an integer
          :erlang.binary_to_integer("x")
      """)
    let words =
      "** (ArgumentError) errors were found at the given arguments: * 1st argument: not an integer"
    #expect(cause.sentence == "web.1 of v3 ended with exit code 1: \(words)")
  }

  @Test func endingsInWords() {
    let cases: [(RunStatus.Exit?, String)] = [
      (.code(0), "web.1 of v3 ended with exit code 0"),
      (.code(126), "web.1 of v3 ended with exit code 126"),
      (.signal(9), "web.1 of v3 was killed (SIGKILL)"),
      (.signal(11), "web.1 of v3 was ended by signal 11"),
      (
        .notStarted(errno: 2),
        "web.1 of v3 could not be started (no such file or directory)"
      ),
      (nil, "web.1 of v3 is gone"),
    ]
    for (exit, sentence) in cases { #expect(Self.cause("\n \n", exit).sentence == sentence) }
    #expect(
      [Self.cause("x"), Self.cause("x", wasReady: true), Self.cause("x", process: "release")]
        .map(\.id) == ["RT-BOOT-FAILED", "RT-CRASHED", "RT-RELEASE-PHASE"])
  }

  @Test func remedies() {
    let cases = [
      (
        #"could not fetch environment variable "A_B" because it is not set"#,
        "Set it (relctl config demo set A_B reads the value), then deploy again."
      ),
      (":eaddrinuse", "Listen on the port in the environment variable PORT."),
      (
        "Kernel pid terminated ({application_start_failure,demo,{listen,eaddrinuse}})",
        "Listen on the port in the environment variable PORT."
      ),
      ("whatever", "Read its last lines: relctl logs demo/web.1"),
      (
        "could not fetch environment variable without quotes",
        "Read its last lines: relctl logs demo/web.1"
      ),
    ]
    for (text, remedy) in cases { #expect(Self.cause(text).remedy == remedy) }
    #expect(Self.cause("x").facts == ["ending": "ended with exit code 1", "port": "4001"])
    let long = Self.cause(String(repeating: "y", count: 100_000))
    #expect(long.sentence.count < 400 && long.evidence.allSatisfy { $0.text.count <= 300 })
  }

  /// Elixir's message is lost if the VM ends before it is written; the VM's Erlang term has it too.
  @Test func lostElixirMessagesAreFoundInErlangTerms() {
    let term =
      #"{"init terminating in do_boot",{#{'__exception__'=>true,'__struct__'=>'Elixir.RuntimeError',message=><<"no \"x\"">>},[{a,b,1,[]}]}}"#
    let again = "init terminating in do_boot ({,[{a,b,1,[{_},{_}]}]})"
    #expect(OutputDiagnosis([term, again]).words == #"** (RuntimeError) no "x""#)
    let missing =
      #"{"init terminating in do_boot",{#{'__struct__'=>'Elixir.System.EnvError',env=><<"A_B">>},[]}}"#
    #expect(OutputDiagnosis([missing, again]).missingVariable == "A_B")
    #expect(OutputDiagnosis([missing, again]).isCutShort)
    #expect(!OutputDiagnosis(["** (System.EnvError) x", missing, again]).isCutShort)
    // The head of the VM's own line is lost, too.
    #expect(OutputDiagnosis(["[{_},{_}]},{Elixir.Config,read!,2,[{_},{_}]}]})"]).isCutShort)
    // A whole failure without an exception.
    let whole = [
      "[notice] Application demo exited: Demo.start(:normal, []) returned an error: :nope",
      "Kernel pid terminated (application_controller) "
        + "({application_start_failure,demo,{nope,{'Elixir.Demo',start,[normal,[]]}}})",
    ]
    #expect(!OutputDiagnosis(whole).isCutShort)
    #expect(OutputDiagnosis([term, again]).place == 0 && OutputDiagnosis([]).words == nil)
  }

  /// The VM writes its term in parts, and Elixir's message comes between two of them.
  @Test func aMessageWithinTheTermIsFound() {
    let lines = [
      "ERROR! Config provider Config.Reader failed with:",
      #"{"init terminating in do_boot",{#{'__struct__'=>'Elixir.TokenMissingError',file=><<"/a/** (TokenMissingError) a:1"#,
      "    (elixir 1.14.0) lib/code.ex:421: Code.validated_eval_string/3", "",
      #"b/runtime.exs">>},[{'Elixir.Code',validated_eval_string,3,[]}]}}"#,
      "init terminating in do_boot ({,[{Elixir.Code,validated_eval_string,3,[{_},{_}]}]})",
    ]
    let last = OutputDiagnosis(lines)
    #expect(last.words == "** (TokenMissingError) a:1" && !last.isCutShort)
    #expect(last.lines.count == lines.count && last.evidence == 0..<2)
    let whole =
      #"{"init terminating in do_boot",{#{'__struct__'=>'Elixir.TokenMissingError',description=><<"no ** (X)">>},[]}}"#
    #expect(OutputDiagnosis([whole]).lines == [whole])
    let alone = whole.replacing("** ", with: "")
    #expect(OutputDiagnosis([alone]).words == "** (TokenMissingError) no (X)")
  }

  @Test func factsAreFoundInTheOutput() {
    let cases: [(String, variable: String?, application: String?)] = [
      (#"could not fetch environment variable "A_B" because it is not set"#, "A_B", nil),
      ("** (RuntimeError) environment variable DATABASE_URL is missing.", "DATABASE_URL", nil),
      ("environment variable without a name", nil, nil), ("environment variable ", nil, nil),
      (#"environment variable "1A" is"#, nil, nil),
      ("[notice] Application greeter exited: shutdown", nil, "greeter"),
      ("Kernel pid terminated (x) ({application_start_failure,demo,{listen,e}})", nil, "demo"),
      ("Application  exited: ", nil, nil), ("{application_start_failure,", nil, nil),
    ]
    for (line, variable, application) in cases {
      let last = OutputDiagnosis([line])
      #expect(last.missingVariable == variable && last.failedApplication == application, "\(line)")
    }
  }
}

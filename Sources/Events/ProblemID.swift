/// The ids of all failures that the reference describes. An id never gets a second meaning.
public enum ProblemID: String, CaseIterable, Sendable {
  case usage = "RT-USAGE"
  case system = "RT-SYSTEM"
  case diskFull = "RT-DISK-FULL"
  case homeUnknown = "RT-HOME-UNKNOWN"
  case homeUnwritable = "RT-HOME-UNWRITABLE"
  case homeForeign = "RT-HOME-FOREIGN"
  case formatNewer = "RT-FORMAT-NEWER"
  case programMissing = "RT-PROGRAM-MISSING"

  case appUnknown = "RT-APP-UNKNOWN"
  case appName = "RT-APP-NAME"
  case instanceUnknown = "RT-INSTANCE-UNKNOWN"
  case processUnknown = "RT-PROCESS-UNKNOWN"
  case releaseUnknown = "RT-RELEASE-UNKNOWN"
  case releaseNone = "RT-RELEASE-NONE"
  case slugUnknown = "RT-SLUG-UNKNOWN"
  case slugDamaged = "RT-SLUG-DAMAGED"
  case slugContent = "RT-SLUG-CONTENT"
  case slugArchive = "RT-SLUG-ARCHIVE"
  case slugRecord = "RT-SLUG-RECORD"
  case slugProvenance = "RT-SLUG-PROVENANCE"
  case slugUsed = "RT-SLUG-USED"
  case manifestFormat = "RT-MANIFEST-FORMAT"
  case procfileFormat = "RT-PROCFILE-FORMAT"
  case appJSONFormat = "RT-APPJSON-FORMAT"
  case releaseFormat = "RT-OTP-RELEASE-FORMAT"
  case configName = "RT-CONFIG-NAME"
  case configConflict = "RT-CONFIG-CONFLICT"
  case configMissing = "RT-CONFIG-MISSING"
  case configTooLarge = "RT-CONFIG-TOO-LARGE"
  case configDamaged = "RT-CONFIG-DAMAGED"
  case targetMismatch = "RT-TARGET-MISMATCH"
  case notExecutable = "RT-NOT-EXECUTABLE"
  case portIgnored = "RT-PORT-IGNORED"
  case startMigrates = "RT-START-MIGRATES"

  case sourceMissing = "RT-SOURCE-MISSING"
  case sourceUnknown = "RT-SOURCE-UNKNOWN"
  case toolMissing = "RT-BUILD-TOOL-MISSING"
  case dependencies = "RT-BUILD-DEPENDENCIES"
  case compile = "RT-BUILD-COMPILE"
  case releaseStep = "RT-BUILD-RELEASE"
  case releaseAmbiguous = "RT-BUILD-RELEASE-AMBIGUOUS"
  case releaseChoice = "RT-BUILD-RELEASE-UNKNOWN"
  case project = "RT-BUILD-PROJECT"
  case buildConfig = "RT-BUILD-CONFIG"
  case buildUnwritable = "RT-BUILD-UNWRITABLE"
  case buildBusy = "RT-BUILD-BUSY"
  case processCommand = "RT-BUILD-PROCESS"
  case buildInterrupted = "RT-BUILD-INTERRUPTED"
  case toolchain = "RT-BUILD-TOOLCHAIN"
  case download = "RT-BUILD-DOWNLOAD"
  case checksum = "RT-BUILD-CHECKSUM"
  case buildFile = "RT-BUILD-FILE"
  case packageTools = "RT-BUILD-HEX"
  case lockOutdated = "RT-BUILD-LOCK"
  case network = "RT-BUILD-NETWORK"
  case memory = "RT-BUILD-MEMORY"
  case timeLimit = "RT-BUILD-TIME"
  case hook = "RT-BUILD-HOOK"
  case assets = "RT-BUILD-ASSETS"
  case secretInSlug = "RT-BUILD-SECRET"
  case bootCheck = "RT-BUILD-REHEARSAL"
  case tests = "RT-BUILD-TEST"
  case buildUser = "RT-BUILD-USER"

  case agentRunning = "RT-AGENT-RUNNING"
  case agentAbsent = "RT-AGENT-ABSENT"
  case agentSilent = "RT-AGENT-SILENT"
  case agentStopped = "RT-AGENT-STOPPED"
  case systemd = "RT-SYSTEMD"
  case requestOpen = "RT-REQUEST-OPEN"
  case requestGivenUp = "RT-REQUEST-GIVEN-UP"
  case requestCancelled = "RT-REQUEST-CANCELLED"
  case requestUnknown = "RT-REQUEST-UNKNOWN"
  case requestExpired = "RT-REQUEST-EXPIRED"
  case waitedTooLong = "RT-WAITED-TOO-LONG"

  case appUser = "RT-APP-USER"
  case startFailed = "RT-START-FAILED"
  case bootFailed = "RT-BOOT-FAILED"
  case bootTimeout = "RT-BOOT-TIMEOUT"
  case notReady = "RT-NOT-READY"
  case clusterSplit = "RT-CLUSTER-SPLIT"
  case notAlive = "RT-NOT-ALIVE"
  case stopKilled = "RT-STOP-KILLED"
  case crashed = "RT-CRASHED"
  case applicationFailed = "RT-APPLICATION-FAILED"
  case applicationEnded = "RT-APPLICATION-ENDED"
  case connection = "RT-CONNECTION"
  case portTaken = "RT-PORT-TAKEN"
  case runtimeConfig = "RT-RUNTIME-CONFIG"
  case moduleMissing = "RT-MODULE-MISSING"
  case nativeCode = "RT-NATIVE-CODE"
  case bootFile = "RT-BOOT-FILE"
  case virtualMachineArguments = "RT-VM-ARGS"
  case nodeNameTaken = "RT-NODE-NAME-TAKEN"
  case killed = "RT-KILLED"
  case memoryGone = "RT-MEMORY-GONE"
  case crashLoop = "RT-CRASH-LOOP"
  case runLost = "RT-RUN-LOST"
  case memoryLimit = "RT-MEMORY-LIMIT"
  case pidsLimit = "RT-PIDS-LIMIT"
  case limitsNotEnforced = "RT-LIMITS-NOT-ENFORCED"
  case releasePhase = "RT-RELEASE-PHASE"
  case portUnavailable = "RT-PORT-UNAVAILABLE"
  case epmd = "RT-EPMD"
  case router = "RT-ROUTER"
  case certificate = "RT-CERTIFICATE"
  case certificateUnknown = "RT-CERTIFICATE-UNKNOWN"
  case domain = "RT-DOMAIN"
  case domainTaken = "RT-DOMAIN-TAKEN"
  case domainUnknown = "RT-DOMAIN-UNKNOWN"
  case previewUnknown = "RT-PREVIEW-UNKNOWN"
  case previewName = "RT-PREVIEW-NAME"
  case previewLimit = "RT-PREVIEW-LIMIT"
  case previewFork = "RT-PREVIEW-FORK"
  case previewClosing = "RT-PREVIEW-CLOSING"
  case previewScript = "RT-PREVIEW-SCRIPT"
  case previewLeftover = "RT-PREVIEW-LEFTOVER"
  case configForeign = "RT-CONFIG-FOREIGN"
  case addOn = "RT-ADD-ON"
  case git = "RT-GIT"
  case remote = "RT-REMOTE"
  case nodeName = "RT-NODE-NAME"
  case nodeUnreachable = "RT-NODE-UNREACHABLE"
  case nodeSilent = "RT-NODE-SILENT"
  case nodeCookie = "RT-NODE-COOKIE"
  case nodeRefused = "RT-NODE-REFUSED"
  case nodeProtocol = "RT-NODE-PROTOCOL"
  case nodeTLS = "RT-NODE-TLS"
  case nodeCall = "RT-NODE-CALL"
  case nodeHidden = "RT-NODE-HIDDEN"
  case cookieFile = "RT-COOKIE-FILE"

  case eventType = "RT-EVENT-TYPE"
  case eventRequired = "RT-EVENT-REQUIRED"
  case eventData = "RT-EVENT-DATA"
  case logDamaged = "RT-LOG-DAMAGED"
  case logNotKept = "RT-LOG-NOT-KEPT"
  case logFull = "RT-LOG-FULL"
  case pastGone = "RT-PAST-GONE"
  case logUnsynced = "RT-LOG-UNSYNCED"
  case terminal = "RT-TERMINAL"
  case theme = "RT-THEME"
  case readOnly = "RT-READ-ONLY"

  /// Whether a command that fails so names something that does not exist, or cannot be understood: an operator's
  /// mistake, not an event of the app.
  public var isMistake: Bool {
    switch self {
    case .appUnknown, .instanceUnknown, .processUnknown, .releaseUnknown, .requestUnknown,
      .slugUnknown, .previewUnknown:
      true
    default: exitCode == ExitCode.usage
    }
  }

  public var exitCode: Int32 {
    switch self {
    case .usage, .domain, .appName, .configName, .configTooLarge, .eventType, .nodeName:
      ExitCode.usage
    case .manifestFormat, .procfileFormat, .appJSONFormat, .releaseFormat, .formatNewer,
      .slugDamaged, .slugContent, .slugArchive, .slugRecord, .slugProvenance, .configDamaged,
      .logDamaged, .eventData, .theme, .sourceUnknown, .targetMismatch, .notExecutable,
      .nodeProtocol, .certificate,
      .checksum, .buildFile:
      ExitCode.badData
    case .homeUnknown, .homeUnwritable, .homeForeign, .appUnknown, .instanceUnknown,
      .processUnknown, .domainUnknown, .certificateUnknown, .requestUnknown, .releaseUnknown,
      .releaseNone, .slugUnknown, .sourceMissing, .previewUnknown, .git,
      .toolMissing, .programMissing, .terminal, .agentAbsent, .agentStopped, .systemd, .epmd,
      .router, .system, .pastGone, .nodeUnreachable,
      .nodeCookie, .nodeRefused, .nodeTLS, .nodeHidden, .cookieFile,
      .download, .packageTools, .network, .buildUser, .appUser, .limitsNotEnforced:
      ExitCode.unavailable
    case .configConflict, .previewClosing, .agentRunning, .agentSilent, .requestOpen,
      .waitedTooLong,
      .logFull, .logNotKept, .diskFull,
      .portUnavailable,
      .nodeSilent, .buildBusy:
      ExitCode.tryAgain
    case .buildInterrupted: ExitCode.interrupted
    case .domainTaken, .previewName, .previewLimit, .previewFork, .previewScript, .previewLeftover,
      .configForeign, .addOn, .configMissing, .portIgnored, .startMigrates, .eventRequired,
      .dependencies,
      .compile,
      .releaseStep, .releaseAmbiguous,
      .releaseChoice, .project, .buildConfig, .buildUnwritable, .processCommand,
      .requestGivenUp, .requestCancelled, .requestExpired, .startFailed, .bootFailed, .bootTimeout,
      .notReady, .notAlive, .stopKilled, .clusterSplit,
      .crashed, .applicationFailed, .applicationEnded, .connection, .portTaken, .runtimeConfig,
      .moduleMissing, .nativeCode, .bootFile, .virtualMachineArguments,
      .nodeNameTaken, .killed, .memoryGone, .crashLoop, .memoryLimit, .pidsLimit, .logUnsynced,
      .runLost, .releasePhase, .remote, .readOnly, .nodeCall, .toolchain, .lockOutdated, .memory,
      .timeLimit, .hook, .assets, .secretInSlug, .bootCheck, .tests, .slugUsed:
      ExitCode.failed
    }
  }

  /// What helps, for failures that always have the same remedy.
  public var remedy: String? {
    switch self {
    case .homeUnknown: "Set RELTUI_HOME, or pass --home DIR."
    case .homeUnwritable: "Pass --home DIR with a folder you can write, or run as its owner."
    case .homeForeign: "Run as the owner of the home, or pass --home DIR."
    case .formatNewer: "Update reltui: a newer version wrote this file."
    case .appUnknown: "See the apps with: relctl ps"
    case .instanceUnknown: "See the instances with: relctl ps"
    case .previewUnknown: "See the previews with: relctl preview list"
    case .releaseUnknown: "See the releases with: relctl releases APP"
    case .releaseNone: "Deploy it first: relctl deploy APP SLUG|DIR|FILE"
    case .slugUnknown: "Build one with: relctl build DIR"
    case .sourceUnknown:
      "Name a folder with a mix.exs or rebar.config, or a built OTP release or slug, as a folder or "
        + "an archive."
    case .agentRunning: "One agent serves a home; stop the other with: relctl agent stop"
    case .agentAbsent: "Start one with: relctl agent start"
    case .waitedTooLong: "The request stays open; watch it with: relctl events -f"
    case .eventType: "Name the program and what happened, as in: ci.tests.passed"
    case .clusterSplit: "The agent tries again; see what the nodes say with: relctl logs APP"
    case .logFull, .diskFull: "Free some space; nothing was lost."
    default: nil
    }
  }

  /// The id's description in the reference page.
  public var meaning: String {
    switch self {
    case .usage: "The command line cannot be understood."
    case .system: "The operating system refused a call."
    case .diskFull: "A file system has no space left, or no room for more files."
    case .homeUnknown: "No folder for the home is known."
    case .homeUnwritable: "The home cannot be made or written."
    case .homeForeign: "The home belongs to another user, or every user can write it."
    case .formatNewer: "A file was written by a newer version."
    case .programMissing: "A required program is not installed."
    case .appUnknown: "There is no app of that name in this home."
    case .appName: "An app's name has characters or a length that are not allowed."
    case .instanceUnknown: "The app has no such instance."
    case .processUnknown: "The release has no such process type."
    case .releaseUnknown: "The app's ledger has no such release."
    case .releaseNone: "The app has no release yet."
    case .slugUnknown: "No slug has that id, or several begin with it."
    case .slugDamaged: "A slug's files do not match its manifest."
    case .slugContent: "A tree holds something that a slug cannot hold."
    case .slugArchive: "An archive cannot be unpacked, or is more than a slug may be."
    case .slugRecord: "The events that came with a slug are not those of its build."
    case .slugProvenance: "A slug's provenance cannot be read."
    case .manifestFormat: "A manifest cannot be read."
    case .procfileFormat: "The Procfile cannot be read."
    case .appJSONFormat: "The app.json cannot be read."
    case .releaseFormat: "An OTP release's files cannot be read."
    case .configName: "A config var's name is invalid, or reserved for reltui."
    case .configConflict: "The config vars have changed since the request."
    case .configTooLarge: "A config var is larger than the kernel allows in an environment."
    case .configMissing: "The release needs config vars that are not set."
    case .configDamaged: "A stored set of config vars is damaged."
    case .targetMismatch: "A slug was built for another kind of host."
    case .notExecutable: "A program in a slug is not executable."
    case .portIgnored:
      "The app reads its port from another variable than PORT, which the agent sets."
    case .startMigrates: "Several instances start, and each migrates the database first."
    case .sourceMissing: "The source to build or import does not exist."
    case .sourceUnknown: "The folder holds nothing that can be built."
    case .toolMissing: "The build needs a tool that is not installed."
    case .dependencies: "Fetching the dependencies failed."
    case .compile: "The application does not compile."
    case .releaseStep: "mix release failed."
    case .releaseAmbiguous: "There are several OTP releases and none was chosen."
    case .releaseChoice: "The project has no OTP release of the chosen name."
    case .project: "mix cannot read the project's mix.exs or configuration."
    case .buildConfig: "A config var for the build has an invalid value."
    case .buildUnwritable: "The folder to build, or the cache, cannot be changed."
    case .buildBusy: "Another build is at work in the same folder."
    case .processCommand: "A process type starts a program that the slug does not have."
    case .buildInterrupted: "A build or an import was stopped by a signal."
    case .toolchain: "No Erlang or Elixir fits the versions that the project requires."
    case .download: "A toolchain could not be fetched."
    case .checksum: "A fetched file does not match its checksum."
    case .buildFile: "A configuration file of the build cannot be read."
    case .packageTools: "Hex or Rebar is needed, but is neither installed nor can be fetched."
    case .lockOutdated: "The lock file does not fit the project's dependencies."
    case .network: "The build needs something from the network that it cannot reach."
    case .memory: "A step of the build was killed, most likely because memory ran out."
    case .timeLimit: "The build nearly reached the platform's time limit."
    case .hook: "A hook of the project failed."
    case .assets: "The assets could not be built."
    case .secretInSlug: "The value of a config var is inside the slug."
    case .bootCheck: "The built slug does not boot."
    case .tests: "The application's tests failed."
    case .buildUser: "The build user cannot be used."
    case .appUser: "No user can be given to the app."
    case .slugUsed: "A slug cannot be removed while a release needs it."
    case .agentRunning: "Another agent serves this home."
    case .agentAbsent: "No agent runs and none could be started."
    case .agentSilent: "The agent's process is stopped, or does not wake."
    case .agentStopped: "The agent's systemd unit was stopped, so no command starts an agent."
    case .systemd: "systemd does not run here, or a call of systemctl failed."
    case .requestOpen: "The same operation is requested already and not done yet."
    case .requestGivenUp: "A request was given up because the app is stopped or rolled back."
    case .requestCancelled: "An operator cancelled the request."
    case .requestUnknown: "There is no such request that is not done yet."
    case .requestExpired: "A request was still open at its deadline."
    case .waitedTooLong: "A command stopped waiting for the outcome of its request."
    case .startFailed: "A run's program could not be started."
    case .bootFailed: "A run ended before it was ready."
    case .bootTimeout: "A run was not ready in time."
    case .stopKilled: "A run did not end on SIGTERM in its grace period, and was killed."
    case .notAlive:
      "A ready instance does not answer at all, or fails its liveness check; it is replaced."
    case .notReady: "A ready run fails its readiness check."
    case .clusterSplit:
      "Two ready instances of an app have nodes that are not connected with each other."
    case .crashed: "A run ended by itself after it was ready."
    case .applicationFailed: "An OTP application of the release did not start."
    case .applicationEnded: "An OTP application ended, and its VM with it."
    case .connection: "A part of the app could not connect to a server, such as its database."
    case .portTaken: "A part of the app could not listen on a port, because another program does."
    case .runtimeConfig: "The configuration that is read at the start of a release has an error."
    case .moduleMissing: "Code of a release is missing or damaged."
    case .nativeCode: "A library of native code (a NIF) cannot be loaded."
    case .bootFile: "The boot file of a release is missing or damaged."
    case .virtualMachineArguments: "The VM does not know one of its arguments."
    case .nodeNameTaken: "Another node has the name that a run's node was to have."
    case .killed: "Another program killed a run with SIGKILL."
    case .memoryGone: "A run ended because there was no more memory."
    case .crashLoop: "An instance crashed too often in a row and is not restarted any more."
    case .runLost: "A run is gone, and its relshim with it."
    case .memoryLimit: "A run was killed because it used more than the memory limit of its app."
    case .pidsLimit:
      "A run ended after it had as many processes and threads as the limit of its app allows."
    case .limitsNotEnforced: "Limits of an app are saved but cannot be enforced on this host."
    case .releasePhase: "The release phase failed."
    case .portUnavailable: "No free port could be found."
    case .epmd: "The home's epmd could not be started."
    case .router: "The home's router, HAProxy, is missing or does not serve."
    case .certificate: "A certificate or its key cannot be used."
    case .certificateUnknown: "The router has no certificate of that name."
    case .previewUnknown: "No preview has this name, or there is none for the pull request."
    case .previewName: "A preview cannot be opened, because an app that is no preview has its name."
    case .previewLimit: "There are as many previews of an app, or on the host, as there may be."
    case .previewFork:
      "A preview cannot change between a fork's code and the project's own, and a fork's code is never promoted."
    case .previewClosing: "The preview is being closed."
    case .previewScript: "The script postdeploy of a preview's app.json failed."
    case .previewLeftover: "Something of a closed preview could not be removed; it is tried again."
    case .configForeign:
      "A config var of a preview would have the value of a secret of another app."
    case .addOn: "An add-on of a preview could not be provided, or could not be removed."
    case .git: "The source of a preview could not be fetched with git."
    case .domain: "A text is no domain that an app can have."
    case .domainTaken: "Another app has the domain, or one that it has requests in common with."
    case .domainUnknown: "The app does not have the domain."
    case .remote: "A command inside the running system failed."
    case .nodeName: "A node's name is not of the form name@host."
    case .nodeUnreachable: "There is no connection with a node."
    case .nodeSilent: "A node does not answer; it may be suspended or overloaded."
    case .nodeCookie: "A node does not accept our cookie."
    case .nodeRefused: "A node refuses the connection."
    case .nodeProtocol: "The server at a node's address does not speak the distribution protocol."
    case .nodeTLS: "TLS with a node was not established."
    case .nodeCall: "A function that was called in a node failed."
    case .nodeHidden: "A node was found, but this user may not read all facts about it."
    case .cookieFile: "A cookie file cannot be used."
    case .eventRequired: "The event that a deployment requires for its slug is not in the log."
    case .eventType: "A program's own event has an invalid or reserved type."
    case .eventData: "A program's own event cannot be read."
    case .logDamaged: "A part of the event log cannot be read."
    case .logNotKept: "Events were dropped because of the log's limits before they were read."
    case .logFull: "An event could not be written: no space."
    case .pastGone: "The event log does not reach back to that moment."
    case .logUnsynced: "The disk failed while an event was being made durable."
    case .terminal: "The terminal cannot show the dashboard."
    case .theme: "A theme cannot be read."
    case .readOnly: "The dashboard was started with --read-only."
    }
  }
}

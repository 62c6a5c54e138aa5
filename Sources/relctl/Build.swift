import Buildpack
import CommandLine
import DiskReserve
import Events
import Journal

extension Command {
  static let build = Command(
    CommandSyntax(
      "build", "DIR|FILE", count: 1...1, "turn source, or what was built elsewhere, into a slug",
      details: """
        A folder of source is built. A built OTP release (releases/start_erl.data) becomes a slug as it
        is; a slug that this buildpack has made elsewhere is imported and keeps its id. FILE is a tar
        archive of either, plain or packed with gzip or zstd. RELEASE_NAME and the variables RELPACK_...
        in the environment steer the build as config vars do on a platform, and so do --env and
        --env-file: their values are masked in the output and get into no argument list. Variables for
        mirrors, proxies and certificates (HEX_..., HTTPS_PROXY, SSL_CERT_FILE ...) are handed on.
        """,
      options: Option.buildVariables + [.json])
  ) { call throws(Cause) in
    let source = try Source(call.positional(0), call.context)
    let slug = try SlugMaker(call: call, app: nil).make(from: source)
    if call.wantsJSON {
      call.print(json: ["slug": slug])
    } else {
      call.context.print("-----> Slug \(slug)")
    }
    return .success
  }
}

/// Makes a slug of the source that the operator named, and puts it into the home's store.
struct SlugMaker {
  let call: CommandCall
  /// The app that the slug is for, for the events.
  let app: String?
  /// Whether a build boots the slug to check it, unless a setting decides. A deployment boots the slug anyway.
  var isBootChecked = true
  /// The app whose saved variables the build gets; nil for none.
  var variablesOf: String?
  /// Whether it is code of a fork.
  var isFork = false

  init(call: CommandCall, app: String?, isBootChecked: Bool = true) {
    (self.call, self.app, self.isBootChecked, variablesOf) = (call, app, isBootChecked, app)
  }

  func make(from source: Source) throws(Cause) -> String {
    try ReservedSpace(home: call.home()).requireSpace()
    if source.kind != .project { try call.refuseBuildVariables(for: source.name) }
    let slugImport = SlugImport(call: call, name: source.name, origin: source.origin)
    switch source.kind {
    case .project:
      return try build(source, .project(relpack: call.context.sibling("relpack")))
    case .otpRelease:
      tell("Taking the built OTP release in '\(source.name)' as it is")
      return try build(source, .otpRelease)
    case .slug:
      tell("Importing the slug in '\(source.name)'")
      let imported = try slugImport.take(source.path)
      slugImport.tell(imported)
      return imported.slug
    case .archive:
      return try slugImport.unpacking(source.path) { folder throws(Cause) in
        try make(from: Source(unpacked: folder, of: source))
      }
    }
  }

  private func tell(_ step: String) {
    if !call.wantsJSON { write("-----> \(step)") }
  }

  func make(from source: GitSource) throws(Cause) -> String {
    try ReservedSpace(home: call.home()).requireSpace()
    return try build().run(source, relpack: call.context.sibling("relpack"))
  }

  private func build(_ source: Source, _ content: HomeBuild.Content) throws(Cause) -> String {
    try build().run(source.path, origin: source.origin, content)
  }

  private func build() throws(Cause) -> HomeBuild {
    let (home, context) = (try call.home(), call.context)
    let variables =
      isFork
      ? BuildVariables.forFork(context.environment) : try call.buildVariables(app: variablesOf)
    // What a fork does not get is masked all the same.
    let masked = BuildVariables(inherited: context.environment).config.values
      .merging(variables.config.values) { $1 }
    var build = HomeBuild(
      home: home,
      journal: EventJournal(home: home, program: "relctl", config: masked),
      app: app, by: call.user, variables: variables, environment: context.environment,
      output: call.wantsJSON ? context.errors : context.output, write: write)
    build.isBootChecked = isBootChecked
    build.isFork = isFork
    return build
  }

  /// With --json, standard output holds only the JSON value, so this line goes to standard error.
  private func write(_ line: String) {
    let line = call.shown(line)
    if call.wantsJSON { call.context.note(line) } else { call.context.print(line) }
  }
}

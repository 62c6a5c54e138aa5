import Events
import JSONText

/// The part of an app.json that we use. Sources: Heroku, "app.json Schema"; Dokku, "Zero Downtime Deploy Checks".
public struct AppJSON: Hashable, Codable, Sendable {
  public struct Variable: Hashable, Codable, Sendable {
    public var description: String?
    /// Taken at the first deployment if the var is not set.
    public var value: String?
    /// `secret`: a random value is made at the first deployment.
    public var generator: String?
    /// Heroku's default is true.
    public var required: Bool?

    /// Whether the operator must set it, because app.json gives it no value.
    public var isRequired: Bool { value == nil && generator == nil && required != false }

    /// What another entry for the same variable says goes first.
    func overridden(by other: Variable) -> Variable {
      var merged = other
      merged.description = other.description ?? description
      if other.value == nil, other.generator == nil {
        (merged.value, merged.generator) = (value, generator)
      }
      merged.required = other.required ?? required
      return merged
    }

    /// A plain string stands for its value.
    public init(from decoder: any Decoder) throws {
      if let value = try? decoder.singleValueContainer().decode(String.self) {
        self.value = value
        return
      }
      let container = try decoder.container(keyedBy: CodingKeys.self)
      description = try container.decodeIfPresent(String.self, forKey: .description)
      value = try container.decodeIfPresent(String.self, forKey: .value)
      generator = try container.decodeIfPresent(String.self, forKey: .generator)
      required = try container.decodeIfPresent(Bool.self, forKey: .required)
    }
  }

  public struct Quantity: Hashable, Codable, Sendable {
    public var quantity: Int?
  }

  public struct HealthCheck: Hashable, Codable, Sendable {
    public var type: String?
    public var name: String?
    public var path: String?
    /// Tries before the check counts as failed.
    public var attempts: Int?
    /// Seconds between tries.
    public var wait: Int?
    /// Seconds for one try.
    public var timeout: Int?
    /// Text that the answer must hold.
    public var content: String?
    public var httpHeaders: [Header]?
    /// The codes of answers that pass: `200`, or `"200-399"`. Without it those are 200 to 299.
    public var status: Status?
    /// A program that passes with exit code 0.
    public var command: Command?

    public struct Header: Hashable, Codable, Sendable {
      public var name: String
      public var value: String
    }
  }

  /// A range of HTTP status codes, as `200` or `"200-399"`.
  public struct Status: Hashable, Codable, Sendable {
    public var range: ClosedRange<Int>

    public init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      let text =
        try (try? container.decode(Int.self)).map { String($0) } ?? container.decode(String.self)
      let codes = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard (1...2).contains(codes.count), let first = codes[0], let last = codes.last ?? nil,
        (100...599).contains(first), (first...599).contains(last)
      else {
        throw DecodingError.dataCorruptedError(
          in: container, debugDescription: "it is neither a status code nor a range such as 200-399"
        )
      }
      range = first...last
    }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      try container.encode("\(range.lowerBound)-\(range.upperBound)")
    }
  }

  /// A command as words, or as one text for a shell.
  public struct Command: Hashable, Codable, Sendable {
    public var words: [String]

    public init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let text = try? container.decode(String.self) {
        words = ["/bin/sh", "-c", text]
      } else {
        words = try container.decode([String].self)
      }
    }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      try container.encode(words)
    }
  }

  /// What other platforms have no key for, below the key `reltui`.
  public struct Rollout: Hashable, Codable, Sendable {
    public struct Process: Hashable, Codable, Sendable {
      /// Whether no two runs of the process type may work at the same time, though it has a port.
      public var exclusive: Bool?
      /// Seconds for which an old run finishes its requests after another release took over.
      public var drain: Int?
      /// Seconds between SIGTERM and SIGKILL.
      public var grace: Int?
    }

    /// Seconds after a release took over in which a crash brings the old one back; 0 for never.
    public var observe: Int?
    /// False if the old runs must end as soon as the new ones serve, because they take jobs too.
    public var standby: Bool?
    /// How many instances are replaced at the same time.
    public var batch: Int?
    /// False if the nodes of the app's instances are not to be connected with each other.
    public var cluster: Bool?
    public var processes: [String: Process]?
  }

  /// A service that the app needs: its plan, such as `postgresql` or `postgresql:small`.
  public struct AddOn: Hashable, Codable, Sendable {
    public var plan: String
    /// The prefix of its variables, if not the usual one.
    public var `as`: String?
    public var options: [String: JSONValue]?

    /// The plan up to the colon: letters, digits and dashes.
    public var name: String { String(plan.prefix { $0 != ":" }) }
    /// What follows the colon.
    public var tier: String { String(plan.dropFirst(name.count + 1)) }

    public init(plan: String) { self.plan = plan }

    /// A text stands for a plan.
    public init(from decoder: any Decoder) throws {
      if let plan = try? decoder.singleValueContainer().decode(String.self) {
        self.plan = plan
        return
      }
      let container = try decoder.container(keyedBy: CodingKeys.self)
      plan = try container.decode(String.self, forKey: .plan)
      `as` = try container.decodeIfPresent(String.self, forKey: .as)
      options = try container.decodeIfPresent([String: JSONValue].self, forKey: .options)
    }
  }

  /// What replaces parts of app.json in one environment, such as `review`.
  public struct Environment: Hashable, Codable, Sendable {
    public var env: [String: Variable]?
    public var formation: [String: Quantity]?
    public var addons: [AddOn]?
    public var scripts: [String: String]?

    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      env = try container.decodeIfPresent([String: Variable].self, forKey: .env)
      formation = try container.decodeIfPresent([String: Quantity].self, forKey: .formation)
      addons = try container.decodeIfPresent([AddOn].self, forKey: .addons)
      scripts = try container.decodeIfPresent(Scripts.self, forKey: .scripts)?.commands
    }
  }

  public var name: String?
  public var env: [String: Variable]?
  public var formation: [String: Quantity]?
  public var healthchecks: [String: [HealthCheck]]?
  /// Commands by the name of their key, such as `postdeploy` or `pr-predestroy`. A command below the key `dokku` is
  /// named `dokku.predeploy` or `dokku.postdeploy`.
  public var scripts: [String: String]?
  public var addons: [AddOn]?
  /// Keys that say how the app is to run and that have no effect here.
  public var ignored: [String]?
  /// Of the environments only `review` is kept, which is for previews.
  public var environments: [String: Environment]?
  public var reltui: Rollout?

  public init() {}

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decodeIfPresent(String.self, forKey: .name)
    env = try container.decodeIfPresent([String: Variable].self, forKey: .env)
    formation = try container.decodeIfPresent([String: Quantity].self, forKey: .formation)
    healthchecks = try container.decodeIfPresent(
      [String: [HealthCheck]].self, forKey: .healthchecks)
    scripts = try container.decodeIfPresent(Scripts.self, forKey: .scripts)?.commands
    addons = try container.decodeIfPresent([AddOn].self, forKey: .addons)
    ignored =
      try container.decodeIfPresent([String].self, forKey: .ignored) ?? Self.ignored(decoder)
    let review = try container.decodeIfPresent(Environments.self, forKey: .environments)?.review
    environments = review.map { [Self.review: $0] }
    reltui = try container.decodeIfPresent(Rollout.self, forKey: .reltui)
  }

  public init(bytes: [UInt8]) throws(Cause) {
    do {
      self = try JSON.decode(AppJSON.self, from: bytes)
    } catch {
      throw Cause(
        .appJSONFormat, "app.json: \(JSON.explain(error))",
        remedy: "Compare it with Heroku's app.json schema.")
    }
  }

  private static let review = "review"

  /// Keys of other platforms that are there: how the app is built, and how large its instances are.
  private static func ignored(_ decoder: any Decoder) -> [String]? {
    struct Others: Decodable {
      struct Size: Decodable {
        var size: JSONValue?
        var mostParallel: JSONValue?
        enum CodingKeys: String, CodingKey {
          case size
          case mostParallel = "max_parallel"
        }
      }
      var buildpacks: JSONValue?, stack: JSONValue?, image: JSONValue?, cron: JSONValue?
      var formation: [String: Size]?
    }
    guard let others = try? Others(from: decoder) else { return nil }
    let sizes = (others.formation ?? [:]).values
    let found = [
      ("buildpacks", others.buildpacks != nil), ("stack", others.stack != nil),
      ("image", others.image != nil), ("cron", others.cron != nil),
      ("formation.size", sizes.contains { $0.size != nil }),
      ("formation.max_parallel", sizes.contains { $0.mostParallel != nil }),
    ].filter(\.1).map(\.0)
    return found.isEmpty ? nil : found
  }

  /// Environments that this version does not use need not be readable.
  private struct Environments: Decodable {
    var review: Environment?
  }

  /// What holds for a preview. Variables and scripts are replaced one by one, formation and add-ons as a whole.
  /// Source: Heroku, "app.json Schema", `environments`.
  public var forPreview: AppJSON {
    var merged = self
    guard let review = environments?[Self.review] else { return merged }
    merged.env = (env ?? [:]).merging(review.env ?? [:]) { $0.overridden(by: $1) }
    merged.scripts = (scripts ?? [:]).merging(review.scripts ?? [:]) { $1 }
    merged.formation = review.formation ?? formation
    merged.addons = review.addons ?? addons
    return merged
  }

  /// The check by HTTP that decides whether a run of the process type is ready.
  public func readiness(of process: String) -> HealthCheck? {
    gates(of: process).first { $0.path != nil }
  }

  /// The program that must pass before a new run of the process type counts as ready for the first time.
  public func gateCommand(of process: String) -> HealthCheck? {
    gates(of: process).first { $0.command?.words.isEmpty == false }
  }

  /// The check by HTTP that decides whether a ready run of the process type must be replaced.
  public func liveness(of process: String) -> HealthCheck? {
    healthchecks?[process]?.first { $0.type == "liveness" && $0.path != nil }
  }

  private func gates(of process: String) -> [HealthCheck] {
    (healthchecks?[process] ?? []).filter {
      $0.type == nil || $0.type == "startup" || $0.type == "readiness"
    }
  }
}

extension AppJSON {
  /// The scripts as app.json writes them: texts or objects with a `command`, some of them nested below `dokku`.
  private struct Scripts: Decodable {
    var commands: [String: String] = [:]

    private struct Occasion: CodingKey {
      let stringValue: String
      var intValue: Int? { nil }

      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    private struct Command: Decodable {
      var text: String

      private enum CodingKeys: String, CodingKey { case command }

      init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
          self.text = text
          return
        }
        text = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .command)
      }
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Occasion.self)
      for occasion in container.allKeys {
        if occasion.stringValue == "dokku" {
          for (name, command) in try container.decode([String: Command].self, forKey: occasion) {
            commands["dokku." + name] = command.text
          }
        } else {
          commands[occasion.stringValue] = try container.decode(Command.self, forKey: occasion).text
        }
      }
    }
  }
}

extension JSON {
  /// A decoding error in words for the operator.
  public static func explain(_ error: any Error) -> String {
    func path(_ keys: [any CodingKey]) -> String {
      keys.isEmpty ? "" : "'" + keys.map(\.stringValue).joined(separator: ".") + "' "
    }
    switch error as? DecodingError {
    case .typeMismatch(_, let context): return path(context.codingPath) + "has the wrong type"
    case .valueNotFound(_, let context): return path(context.codingPath) + "has no value"
    case .keyNotFound(let key, let context): return path(context.codingPath + [key]) + "is missing"
    case .dataCorrupted(let context) where !context.codingPath.isEmpty:
      return path(context.codingPath) + "cannot be read: " + context.debugDescription
    default: return "that is not JSON"
    }
  }
}

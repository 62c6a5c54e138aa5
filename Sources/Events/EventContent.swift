extension EventData.Field {
  /// Where a value of a config var may turn up in a field. A value may also be `web.1`, the name of the app or of
  /// a step; masking those would take from the board what it goes by.
  package enum Content {
    /// Numbers, moments and names that are ours.
    case own
    /// Hexadecimal digits, which stay; anything else is free text that came into the wrong place.
    case identifier(WritableKeyPath<EventData, String?>)
    case text(WritableKeyPath<EventData, String?>)
    case texts(WritableKeyPath<EventData, [String]?>)
    case cause(WritableKeyPath<EventData, Cause?>)
  }

  package var content: Content {
    switch self {
    case .by: .text(\.by)
    case .line: .text(\.line)
    case .folder: .text(\.folder)
    case .application: .text(\.application)
    case .action: .text(\.action)
    case .level: .text(\.level)
    case .aside: .text(\.aside)
    case .set: .texts(\.set)
    case .unset: .texts(\.unset)
    case .cause: .cause(\.cause)
    case .request: .identifier(\.request)
    case .build: .identifier(\.build)
    case .slug: .identifier(\.slug)
    case .config: .identifier(\.config)
    case .base: .identifier(\.base)
    case .commit: .identifier(\.commit)
    case .deadline, .release, .from, .formation, .instance, .run, .node, .boot,
      .pid, .port, .exit,
      .signal, .step, .milliseconds, .size, .occurred, .missing:
      .own
    }
  }

  /// Whether people or their programs write what stands in it, so that values of config vars must be masked there.
  public var isFreeText: Bool {
    switch content {
    case .own, .identifier: false
    case .text, .texts, .cause: true
    }
  }
}

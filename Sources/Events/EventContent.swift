extension EventData.Field {
  /// Whether the value of a config var may turn up in a field. Some values are also words that the
  /// board needs, such as `web.1` or the name of an app or step; those are not masked.
  package enum Content {
    /// Numbers, times and names that reltui itself chose.
    case own
    /// A text of hexadecimal digits, which is kept; any other text in the field is masked.
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
    case .message: .text(\.message)
    case .aside: .text(\.aside)
    case .set: .texts(\.set)
    case .unset: .texts(\.unset)
    case .kept: .texts(\.kept)
    case .removed: .texts(\.removed)
    case .cause: .cause(\.cause)
    case .request: .identifier(\.request)
    case .build: .identifier(\.build)
    case .slug: .identifier(\.slug)
    case .config: .identifier(\.config)
    case .base: .identifier(\.base)
    case .commit: .identifier(\.commit)
    case .deadline, .release, .from, .origin, .formation, .limits, .instance, .run, .node, .boot,
      .phases,
      .pid, .port, .exit,
      .signal, .step, .observe, .exclusive, .standby, .batch, .cluster, .drain, .phase, .since,
      .milliseconds, .size, .domain, .settings, .parent, .pull, .fork, .lease,
      .occurred, .missing:
      .own
    }
  }

  /// Whether the field holds text from outside, in which values of config vars must be masked.
  public var isFreeText: Bool {
    switch content {
    case .own, .identifier: false
    case .text, .texts, .cause: true
    }
  }
}

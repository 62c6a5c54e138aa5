/// What a readiness or liveness check of a run has found, if it did not pass.
public struct CheckAnswer: Hashable, Sendable {
  /// `GET /health answers 500`
  public var brief: String
  /// What else is known: the first line of the answer.
  public var detail: String?
  public var facts: [String: String]
  /// What was asked, such as `GET /health`, if the fault may be in something that the app needs, such as its database.
  public var question: String?

  public init(
    _ brief: String, detail: String? = nil, facts: [String: String] = [:],
    question: String? = nil
  ) {
    (self.brief, self.detail, self.facts) = (brief, detail, facts)
    self.question = question
  }

  public var text: String { brief + (detail.map { ": \($0)" } ?? "") }

  /// The server answered with a status that does not pass.
  public static func status(_ code: Int, _ question: String, line: String) -> CheckAnswer {
    CheckAnswer(
      "\(question) answers \(code)", detail: line.isEmpty ? nil : line,
      facts: ["status": "\(code)"],
      question: code >= 500 ? question : nil)
  }

  public static func redirect(_ code: Int, _ question: String, to location: String) -> CheckAnswer {
    CheckAnswer(
      "\(question) is redirected to \(location) (\(code))",
      facts: ["status": "\(code)", "location": location])
  }

  /// Nothing accepts connections on the run's port.
  public static func noListener(_ port: UInt16) -> CheckAnswer {
    CheckAnswer("nothing listens on PORT \(port)", facts: ["listener": "none"])
  }

  /// Another program answers in the run's place.
  public static func stranger(_ holder: String, port: UInt16) -> CheckAnswer {
    CheckAnswer("PORT \(port) is held by \(holder)", facts: ["holder": holder])
  }
}

/// Why a run is not ready, as far as its checks and its node know.
public struct WaitFacts: Sendable {
  public var answer: CheckAnswer
  /// The application that is starting, the process that it waits for, and that process's stack, the innermost function first.
  public var hang: Hang?
  /// Seconds for which the run was waited for, if they are over.
  public var limit: Int64?
  /// Where the run's processes listen, such as `127.0.0.1:4000`.
  public var listening: [String] = []

  public struct Hang: Hashable, Sendable {
    public var application: String
    public var awaited: String?
    /// `Elixir.Process:sleep/1 (lib/process.ex:250)`
    public var stack: [String]

    public init(application: String, awaited: String?, stack: [String]) {
      (self.application, self.awaited, self.stack) = (application, awaited, stack)
    }

    /// `application shop is starting, waiting for Shop.Repo, in gen_tcp:connect/4`
    public var words: String {
      [
        "application \(application) is starting", awaited.map { "waiting for \($0)" },
        stack.first.map { "in \($0)" },
      ]
      .compactMap { $0 }.joined(separator: ", ")
    }
  }

  public init(_ answer: CheckAnswer) { self.answer = answer }
}

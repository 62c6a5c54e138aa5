import ErlangTerm

/// The end of a process as Erlang's logger writes it. Source: `logger_formatter` and `proc_lib` in the Kernel and STDLIB
/// reference manuals.
struct ErlangReport {
  var failure: Failure
  /// Its lines in the text.
  var range: ClosedRange<Int>

  private static let longest = 200

  /// The last report that has a reason.
  static func last(in text: OutputText, _ reasons: ErlangReason) -> ErlangReport? {
    for index in text.recent.reversed() {
      let line = text.lines[index].text
      if line.hasPrefix("** Reason for termination") {
        if let found = generic(text, index, reasons) { return found }
      } else if line.hasPrefix("    reason: ") {
        if let found = supervisor(text, index, reasons) { return found }
      }
    }
    return nil
  }

  /// ```
  /// ** Generic server shop_fuse terminating
  /// ** Last message in was blow
  /// ** Reason for termination ==
  /// ** {boom,[…]}
  /// ```
  private static func generic(_ text: OutputText, _ index: Int, _ reasons: ErlangReason)
    -> ErlangReport?
  {
    let lines = text.lines
    guard index + 1 < lines.count, lines[index + 1].text.hasPrefix("** "),
      let (term, last) = term(text, index + 1, dropping: 3)
    else { return nil }
    var failure = reasons.failure(term)
    failure.isAfterStart = true
    let first = lines[max(0, index - 30)..<index].lastIndex {
      $0.text.hasSuffix(" terminating ") || $0.text.hasSuffix(" terminating")
    }
    if let first {
      let words = lines[first].text.split(separator: " ")
      if let name = words.dropLast().last, !name.hasPrefix("<") {
        failure.children = [CodeName.module(name.filter { $0 != "'" })]
      }
    }
    return ErlangReport(failure: failure, range: (first ?? index)...last)
  }

  /// ```
  ///     errorContext: child_terminated
  ///     reason: {boom,[…]}
  ///     offender: [{pid,<0.200.0>},{id,shop_fuse},…]
  /// ```
  private static func supervisor(_ text: OutputText, _ index: Int, _ reasons: ErlangReason)
    -> ErlangReport?
  {
    let lines = text.lines
    guard let (term, last) = term(text, index, dropping: 12) else { return nil }
    var failure = reasons.failure(term)
    failure.isAfterStart = index > 0 && lines[index - 1].text.contains("child_terminated")
    var end = last
    if last + 1 < lines.count, lines[last + 1].text.hasPrefix("    offender: "),
      let (offender, over) = Self.term(text, last + 1, dropping: 14),
      let id = offender.property("id")
    {
      failure.children.insert(reasons.childName(id), at: 0)
      end = over
    }
    // What a supervisor says when it gives up is the end of a story that other reports tell.
    let isNews = !["shutdown", "normal", "reached_max_restart_intensity"].contains(term.atom)
    return isNews ? ErlangReport(failure: failure, range: max(0, index - 2)...end) : nil
  }

  /// The term that begins in a line and may go on in the lines behind it, which are indented.
  private static func term(_ text: OutputText, _ index: Int, dropping count: Int) -> (
    Term, last: Int
  )? {
    let lines = text.lines
    var words = String(lines[index].text.dropFirst(count))
    var last = index
    let indent = lines[index].text.prefix { $0 == " " }.count
    while last + 1 < lines.count, last - index < longest {
      let next = lines[last + 1].text
      guard next.prefix(while: { $0 == " " }).count > indent else { break }
      words += "\n" + next
      last += 1
    }
    return text.term(in: words[...]).map { ($0, last) }
  }
}

import Events
import Posix
import Redaction

/// What a build says, in the form that Heroku's buildpacks use, line by line as it happens. No value of a config
/// var gets through.
struct BuildOutput {
  let mask: Redactor
  let write: (String) -> Void

  func step(_ text: String) { write("-----> " + mask(text)) }

  func detail(_ text: String) { write(text.isEmpty ? "" : "       " + mask(text)) }

  func warn(_ text: String) { write(" !     " + mask(text)) }

  /// What a tool said last stands above already.
  func problem(_ cause: Cause) {
    let cause = mask(cause)
    write(" !     \(cause.sentence) [\(cause.id)]")
    for evidence in cause.evidence where evidence.kind != "log" {
      write(" !     \(evidence.place): \(evidence.text)")
    }
    if let remedy = cause.remedy { write(" !     \(remedy)") }
  }

  /// One digit behind the point.
  static func decimal(_ number: Int, per unit: Int) -> String {
    "\(number / unit).\(number % unit * 10 / unit)"
  }
}

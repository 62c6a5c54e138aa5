import Events
import Redaction

/// The output of a build, line by line, in the form of Heroku's buildpacks. Values of config vars are masked.
struct BuildOutput {
  let mask: Redactor
  let write: (String) -> Void

  func step(_ text: String) { write("-----> " + mask(text)) }

  func detail(_ text: String) { write(text.isEmpty ? "" : "       " + mask(text)) }

  func warn(_ text: String) { write(" !     " + mask(text)) }

  /// The last lines of a tool are not repeated: they are already in the output.
  func problem(_ cause: Cause) {
    let cause = mask(cause)
    write(" !     \(cause.sentence) [\(cause.id)]")
    for evidence in cause.evidence where evidence.kind != "log" {
      write(" !     \(evidence.place): \(evidence.text)")
    }
    if let remedy = cause.remedy { write(" !     \(remedy)") }
  }

  /// With one decimal digit.
  static func decimal(_ number: Int, per unit: Int) -> String {
    "\(number / unit).\(number % unit * 10 / unit)"
  }
}

/// What a build says, in the form that Heroku's buildpacks use, line by line as it happens. No value of a config
/// var gets through.
struct BuildOutput {
  let mask: Mask
  let write: (String) -> Void

  func step(_ text: String) { write("-----> " + mask(text)) }

  func detail(_ text: String) { write(text.isEmpty ? "" : "       " + mask(text)) }

  func problem(_ cause: Cause) {
    let cause = mask(cause)
    write(" !     \(cause.sentence) [\(cause.id)]")
    for evidence in cause.evidence { write(" !     \(evidence.place): \(evidence.text)") }
    if let remedy = cause.remedy { write(" !     \(remedy)") }
  }
}

/// Text from outside, made harmless for a terminal.
public enum Printable {
  public static func clean(_ text: String) -> String {
    String(text.unicodeScalars.map { $0.value < 32 || (127..<160).contains($0.value) ? "·" : Character($0) })
  }
}

/// A screen without a terminal, for tests and for printing frames.
public final class MemoryScreen: Screen {
  public var size: Size
  public var palette: Palette
  public let inputDescriptor: Int32 = -1
  public let keyTimeout: Int32? = nil
  /// Every frame drawn that differs from the one before.
  public private(set) var frames: [Frame] = []
  public private(set) var hasEnded = false
  private var keys: [Key] = []

  public init(size: Size, palette: Palette = .mono) {
    self.size = size
    self.palette = palette
  }

  /// Puts keys behind those that wait.
  public func press(_ keys: Key...) { self.keys += keys }

  public func draw(_ frame: Frame) {
    if !hasEnded, frames.last != frame { frames.append(frame) }
  }

  public func forgetContent() {}

  public func nextKey() -> Key? { hasEnded || keys.isEmpty ? nil : keys.removeFirst() }

  public func end() { hasEnded = true }
}

/// The extent of a screen or frame in cells.
public struct Size: Equatable, Sendable {
  /// No frame is larger, whatever size a terminal reports, so that memory stays bounded.
  public static let largest = Size(columns: 2000, rows: 1000)

  public let columns: Int
  public let rows: Int

  /// Clamps both to 0 … `largest`.
  public init(columns: Int, rows: Int) {
    self.columns = min(max(0, columns), 2000)
    self.rows = min(max(0, rows), 1000)
  }
}

/// A cell's place, counted from 0 at the top left.
public struct Position: Equatable, Sendable {
  public var row: Int
  public var column: Int

  public init(row: Int, column: Int) { (self.row, self.column) = (row, column) }
}

extension [UInt8] {
  /// The number of bytes up to the last one that is not zero.
  public var countWithoutZeros: Int { (lastIndex { $0 != 0 } ?? -1) + 1 }
}

import Glibc

/// The property that the environment names: one program fuzzes each of them.
private let property: Property = {
    let name = getenv("STEADY_FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let found = Property.all.first(where: { $0.name == name }) else {
        say("STEADY_FUZZ_TARGET is one of \(Property.all.map(\.name).joined(separator: ", "))")
        exit(2)
    }
    return found
}()

private func say(_ text: String) {
    let line = Array((text + "\n").utf8)
    _ = write(2, line, line.count)
}

/// libFuzzer calls this with every input that it makes up.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    if let violation = property.violation(Array(UnsafeBufferPointer(start: start, count: count))) {
        say("\(property.name): \(violation)")
        abort()
    }
    return 0
}

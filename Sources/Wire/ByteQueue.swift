/// Bytes that were received and not read yet, or written and not sent yet: one contiguous piece, filled at the back, consumed at the front.
///
/// Consuming moves an index; the bytes are moved to the front only when the back needs room, so a byte is copied at most once per doubling.
package struct ByteQueue: Sendable {
    /// All of it is initialised memory; `start..<end` of it is the content.
    @usableFromInline var storage: [UInt8] = []
    @usableFromInline var start = 0
    @usableFromInline var end = 0

    /// What an empty queue may keep allocated: one typical request or answer; a thousand idle connections then keep 4 MB at most.
    @usableFromInline static let idleCapacityLimit = 4096

    package init() {}

    package init(_ bytes: [UInt8]) {
        storage = bytes
        end = bytes.count
    }

    @inlinable package var count: Int { end - start }
    @inlinable package var isEmpty: Bool { start == end }

    /// Whether it keeps memory.
    @inlinable package var hasRoom: Bool { !storage.isEmpty }

    /// The byte at `offset` from the front.
    @inlinable package subscript(offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < count, "ByteQueue: offset \(offset) of \(count)")
        return storage[start + offset]
    }

    /// The content, as a copy.
    package var bytes: [UInt8] { Array(storage[start..<end]) }

    /// Looks at the content in place.
    @inlinable package func withBytes<R, E: Error>(_ body: (UnsafeBufferPointer<UInt8>) throws(E) -> R) throws(E) -> R {
        try storage.withUnsafeBufferPointer { (all: UnsafeBufferPointer<UInt8>) throws(E) -> R in
            try body(UnsafeBufferPointer(rebasing: all[start..<end]))
        }
    }

    /// Drops bytes from the front.
    @inlinable package mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= self.count, "ByteQueue: consumes \(count) of \(self.count)")
        start += count
        if start == end {
            start = 0
            end = 0
            if storage.count > Self.idleCapacityLimit { storage = [] }
        }
    }

    /// Takes bytes from the front.
    package mutating func take(_ count: Int) -> [UInt8] {
        if start == 0, count == storage.count {
            // The whole allocation: it is handed over instead of copied.
            let all = storage
            storage = []
            end = 0
            return all
        }
        let taken = Array(storage[start..<(start + count)])
        consume(count)
        return taken
    }

    /// Moves bytes from the front to the back of another queue: one copy.
    @inlinable package mutating func move(_ count: Int, to other: inout ByteQueue) {
        storage.withUnsafeBufferPointer { all in
            other.append(UnsafeBufferPointer(rebasing: all[start..<(start + count)]))
        }
        consume(count)
    }

    /// Adds at the end.
    @inlinable package mutating func append(_ byte: UInt8) {
        if end == storage.count { makeRoom(for: 1) }
        storage[end] = byte
        end += 1
    }

    /// Adds at the end.
    @inlinable package mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        if bytes.isEmpty { return }
        makeRoom(for: bytes.count)
        storage.withUnsafeMutableBytes { all in
            all.baseAddress!.advanced(by: end).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
        }
        end += bytes.count
    }

    /// Adds at the end.
    package mutating func append(_ bytes: [UInt8]) {
        if isEmpty, storage.count < bytes.count {
            // Nothing to keep: the caller's array becomes the storage, without a copy.
            storage = bytes
            start = 0
            end = bytes.count
            return
        }
        bytes.withUnsafeBufferPointer { append($0) }
    }

    /// Adds at the end.
    package mutating func append(_ bytes: ArraySlice<UInt8>) { bytes.withUnsafeBufferPointer { append($0) } }

    /// Adds at the end.
    package mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append($0) }
    }

    /// Adds at the end.
    @inlinable package mutating func append(_ text: StaticString) {
        append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// A decimal number without leading zeros.
    package mutating func append(decimal number: Int) {
        if number >= 0 && number < 10 {
            append(UInt8(48 + number))
        } else {
            append(String(number))
        }
    }

    /// Lets `fill` write up to `room` bytes behind the content (a receiving system call does) and say how many it wrote.
    @inlinable package mutating func fill(room: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
        makeRoom(for: room)
        let written = storage.withUnsafeMutableBytes { all in body(UnsafeMutableRawBufferPointer(rebasing: all[end..<(end + room)])) }
        precondition(written >= 0 && written <= room, "ByteQueue: \(written) bytes written into room for \(room)")
        end += written
        return written
    }

    @usableFromInline mutating func makeRoom(for more: Int) {
        if storage.count - end >= more { return }
        if start > 0, storage.count - count >= more, count <= storage.count / 2 {
            let (from, length) = (start, count)
            storage.withUnsafeMutableBytes { all in
                all.baseAddress!.copyMemory(from: all.baseAddress!.advanced(by: from), byteCount: length)
            }
            start = 0
            end = length
            return
        }
        let capacity = max(256, max(count + more, storage.count * 2))
        let old = storage
        let (from, length) = (start, count)
        storage = [UInt8](unsafeUninitializedCapacity: capacity) { fresh, initialized in
            old.withUnsafeBufferPointer { present in
                if length > 0 { fresh.baseAddress!.update(from: present.baseAddress!.advanced(by: from), count: length) }
            }
            fresh.baseAddress!.advanced(by: length).initialize(repeating: 0, count: capacity - length)
            initialized = capacity
        }
        start = 0
        end = length
    }
}

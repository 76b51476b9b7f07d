/// The one tree that JSON, YAML and protobuf bodies are read into and written from.
///
/// `int` holds every whole number that was written without fraction or exponent and fits 64 bits: Kubernetes' clients refuse `3.0` for `3`.
package enum Value: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([Value])
    case object(Object)
}

/// The members of a JSON object: they keep the order in which they were written; equality does not depend on it.
///
/// Look-up is a scan: objects of manifests are small. From `indexThreshold` members on an index is kept, so that a ConfigMap of thousands of
/// keys stays linear to build.
package struct Object: Sendable {
    package private(set) var entries: [(key: String, value: Value)]
    private var index: [String: Int]?

    /// Below this a scan over contiguous keys beats hashing.
    private static let indexThreshold = 24

    package init() { entries = [] }

    /// Later duplicates replace earlier ones.
    package init(_ pairs: some Sequence<(String, Value)>) {
        entries = []
        for (key, value) in pairs { self[key] = value }
    }

    package var isEmpty: Bool { entries.isEmpty }
    package var count: Int { entries.count }
    package var keys: [String] { entries.map(\.key) }

    /// Where a key stands; nil when absent.
    package func position(of key: String) -> Int? {
        if let index { return index[key] }
        // Lengths differ mostly, and comparing them is much cheaper than comparing strings.
        let length = key.utf8.count
        return entries.firstIndex { $0.key.utf8.count == length && $0.key == key }
    }

    /// Nil when absent. Assigning nil removes the member; assigning to a new key appends it.
    package subscript(key: String) -> Value? {
        get { position(of: key).map { entries[$0].value } }
        set {
            if let at = position(of: key) {
                if let newValue {
                    entries[at].value = newValue
                } else {
                    entries.remove(at: at)
                    if index != nil { rebuildIndex() }
                }
            } else if let newValue {
                entries.append((key, newValue))
                if index != nil {
                    index?[key] = entries.count - 1
                } else if entries.count >= Self.indexThreshold {
                    rebuildIndex()
                }
            }
        }
    }

    /// Sets a member of an object that is being read. Says whether the key was there already.
    @inline(__always)
    mutating func enter(_ key: String, _ value: Value) -> Bool {
        if let at = position(of: key) {
            entries[at].value = value
            return true
        }
        entries.append((key, value))
        if index != nil {
            index?[key] = entries.count - 1
        } else if entries.count >= Self.indexThreshold {
            rebuildIndex()
        }
        return false
    }

    /// Changes a member in place without copying the tree below it; `body` sees `null` where there was none.
    package mutating func update<R>(_ key: String, _ body: (inout Value) throws -> R) rethrows -> R {
        if position(of: key) == nil { self[key] = .null }
        let at = position(of: key)!
        return try body(&entries[at].value)
    }

    private mutating func rebuildIndex() {
        guard entries.count >= Self.indexThreshold else {
            index = nil
            return
        }
        index = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.key, $0) })
    }
}

extension Object: Hashable {
    package static func == (a: Object, b: Object) -> Bool {
        guard a.count == b.count else { return false }
        for (offset, entry) in a.entries.enumerated() {
            // Mostly the order agrees: then no search is needed.
            let other = b.entries[offset]
            if other.key == entry.key {
                if other.value != entry.value { return false }
            } else if b[entry.key] != entry.value {
                return false
            }
        }
        return true
    }

    package func hash(into hasher: inout Hasher) {
        // Order must not matter, so each member is hashed by itself and the sums are added up.
        var sum = 0
        for (key, value) in entries {
            var member = Hasher()
            member.combine(key)
            member.combine(value)
            sum &+= member.finalize()
        }
        hasher.combine(sum)
    }
}

extension Object: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, Value)...) { self.init(elements) }
}

extension Object: Sequence {
    package func makeIterator() -> IndexingIterator<[(key: String, value: Value)]> { entries.makeIterator() }
}

// MARK: - Literals

extension Value: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(floatLiteral value: Double) { self = .double(value) }
    package init(arrayLiteral elements: Value...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, Value)...) { self = .object(Object(elements)) }
    package init(nilLiteral: ()) { self = .null }
}

// MARK: - Access

extension Value {
    package var string: String? { if case .string(let s) = self { s } else { nil } }
    package var int: Int64? { if case .int(let i) = self { i } else { nil } }
    package var bool: Bool? { if case .bool(let b) = self { b } else { nil } }
    package var array: [Value]? { if case .array(let a) = self { a } else { nil } }
    package var object: Object? { if case .object(let o) = self { o } else { nil } }
    package var isNull: Bool { if case .null = self { true } else { false } }

    /// The number as a double, whether it was written as `1` or `1.0`.
    package var number: Double? {
        switch self {
        case .int(let i): Double(i)
        case .double(let d): d
        default: nil
        }
    }

    /// The array's elements; none for anything else.
    package var elements: [Value] { array ?? [] }

    /// The object's members as strings: what labels and annotations are. Members that are not strings are left out.
    package var stringMap: [String: String] {
        guard case .object(let object) = self else { return [:] }
        return Dictionary(object.entries.compactMap { entry in entry.value.string.map { (entry.key, $0) } }) { _, last in last }
    }

    /// An object from a string map, keys sorted so that two processes write the same bytes.
    package static func strings(_ map: [String: String]) -> Value {
        .object(Object(map.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
    }

    /// A member, `null` where there is none or where this is no object. Assigning makes this an object; assigning `null` removes the member.
    package subscript(key: String) -> Value {
        get {
            guard case .object(let object) = self else { return .null }
            return object[key] ?? .null
        }
        _modify {
            var object: Object
            if case .object(let present) = self { object = present } else { object = Object() }
            // The tree is let go of here, so that the change below happens in place.
            self = .null
            var member = object[key] ?? .null
            if !member.isNull { object[key] = .null }
            defer {
                // No `nil` literal beside a `Value` here: it would mean `null`, not absence.
                if member.isNull { object[key] = Value?.none } else { object[key] = member }
                self = .object(object)
            }
            yield &member
        }
    }

    /// An element, `null` where there is none.
    package subscript(index: Int) -> Value {
        guard case .array(let array) = self, array.indices.contains(index) else { return .null }
        return array[index]
    }
}

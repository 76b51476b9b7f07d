extension DNSMessage {
    /// The message's octets, names compressed. Records that do not fit into `limit` are left out and TC says so (RFC 2181, 9): a section is cut at
    /// the first that does not fit, and nothing follows but OPT. What does not fit of the additional section is no loss and not told.
    package func serialized(limit: Int = DNSMessage.byteLimit) -> [UInt8] {
        var writer = DNSWriter()
        writer.put16(id)
        writer.put16(0)
        for _ in 0..<4 { writer.put16(0) }
        for question in questions {
            writer.put(question.name)
            writer.put16(question.kind.rawValue)
            writer.put16(question.recordClass)
        }
        // OPT has its place in any case.
        let room = limit - (extended == nil ? 0 : 11)
        var counts = [0, 0, 0]
        var isCut = false
        for (section, records) in [answers, authorities, additional].enumerated() {
            for record in records {
                let before = writer.mark
                writer.put(record)
                guard writer.octets.count <= room else {
                    writer.goBack(to: before)
                    if section < 2 { isCut = true }
                    break
                }
                counts[section] += 1
            }
            if isCut { break }
        }
        if let extended {
            writer.put(.root)
            writer.put16(Kind.opt.rawValue)
            writer.put16(extended.datagramByteLimit)
            writer.put32(
                UInt32(extended.outcomeHigh) << 24 | UInt32(extended.version) << 16 | (extended.wantsSignatures ? 0x8000 : 0))
            writer.put16(0)
            counts[2] += 1
        }
        var flags = UInt16(operation & 15) << 11 | UInt16(outcomeLow & 15)
        if isResponse { flags |= 0x8000 }
        if isAuthoritative { flags |= 0x0400 }
        if isTruncated || isCut { flags |= 0x0200 }
        if wantsRecursion { flags |= 0x0100 }
        if hasRecursion { flags |= 0x0080 }
        for (index, value) in [flags, UInt16(questions.count), UInt16(counts[0]), UInt16(counts[1]), UInt16(counts[2])].enumerated() {
            writer.set16(value, at: 2 + 2 * index)
        }
        return writer.octets
    }
}

/// Collects a message's octets and remembers where names stand.
private struct DNSWriter {
    private(set) var octets: [UInt8] = []
    /// Where each ending of a name was written first.
    private var places: [ArraySlice<[UInt8]>: Int] = [:]
    /// Its keys in the order of writing, so that steps can be taken back.
    private var endings: [ArraySlice<[UInt8]>] = []

    /// Where writing stood.
    struct Mark {
        var octetCount: Int
        var placeCount: Int
    }
    var mark: Mark { Mark(octetCount: octets.count, placeCount: endings.count) }

    mutating func goBack(to mark: Mark) {
        octets.removeLast(octets.count - mark.octetCount)
        while endings.count > mark.placeCount { places[endings.removeLast()] = nil }
    }

    mutating func put16(_ value: UInt16) { octets += [UInt8(value >> 8), UInt8(truncatingIfNeeded: value)] }
    mutating func put32(_ value: UInt32) {
        put16(UInt16(value >> 16))
        put16(UInt16(truncatingIfNeeded: value))
    }
    mutating func set16(_ value: UInt16, at offset: Int) {
        octets[offset] = UInt8(value >> 8)
        octets[offset + 1] = UInt8(truncatingIfNeeded: value)
    }

    /// Only endings of the very same case are shared: a name goes out as it is.
    mutating func put(_ name: DNSName, mayCompress: Bool = true) {
        for index in name.labels.indices {
            let ending = name.labels[index...]
            let known = places[ending]
            if mayCompress, let known { return put16(0xC000 | UInt16(known)) }
            // What a pointer cannot reach is not remembered.
            if known == nil, octets.count < 0x4000 {
                places[ending] = octets.count
                endings.append(ending)
            }
            octets.append(UInt8(name.labels[index].count))
            octets += name.labels[index]
        }
        octets.append(0)
    }

    mutating func put(_ record: DNSMessage.Record) {
        put(record.name)
        put16(record.kind.rawValue)
        put16(record.recordClass)
        put32(record.timeToLive)
        let lengthOffset = octets.count
        put16(0)
        switch record.content {
        case .a(let address): put32(address)
        case .name(let name): put(name)
        case .service(let priority, let weight, let port, let target):
            put16(priority)
            put16(weight)
            put16(port)
            // RFC 2782: the target is not compressed.
            put(target, mayCompress: false)
        case .authority(let authority):
            put(authority.server)
            put(authority.mailbox)
            for number in [authority.serial, authority.refresh, authority.retry, authority.expire, authority.minimum] { put32(number) }
        case .opaque(let data): octets += data
        }
        set16(UInt16(truncatingIfNeeded: octets.count - lengthOffset - 2), at: lengthOffset)
    }
}

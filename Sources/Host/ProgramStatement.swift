import Formats

/// What a build of Steady says of itself: its version, and which formats it reads and writes.
package struct ProgramStatement: Hashable, Sendable {
    /// One format of what is kept on disk or in memory, numbered from 1.
    package struct Format: Hashable, Sendable {
        package var name: String
        /// The oldest and the newest one that is read.
        package var reads: ClosedRange<Int>
        package var writes: Int

        package init(_ name: String, reads: ClosedRange<Int>, writes: Int) {
            self.name = name
            self.reads = reads
            self.writes = writes
        }

        /// Every format up to the one that is written is read.
        package init(_ name: String, upTo newest: some BinaryInteger) {
            self.init(name, reads: 1...max(1, Int(newest)), writes: Int(newest))
        }
    }

    package var version: String
    package var formats: [Format]

    package init(version: String, formats: [Format]) {
        self.version = version
        self.formats = formats
    }

    /// Nil when it is none.
    package init?(_ value: Value) {
        guard let version = value["version"].string else { return nil }
        var formats: [Format] = []
        for entry in value["formats"].elements {
            guard let name = entry["name"].string, let oldest = entry["oldest"].int, let newest = entry["newest"].int,
                let writes = entry["writes"].int, oldest <= newest
            else { return nil }
            formats.append(Format(name, reads: Int(oldest)...Int(newest), writes: Int(writes)))
        }
        self.init(version: version, formats: formats)
    }

    package var value: Value {
        [
            "version": .string(version),
            "formats": .array(
                formats.map { format in
                    [
                        "name": .string(format.name), "oldest": .int(Int64(format.reads.lowerBound)),
                        "newest": .int(Int64(format.reads.upperBound)), "writes": .int(Int64(format.writes)),
                    ]
                }),
        ]
    }

    /// Why an instance that runs this program cannot go over to the next one and, should that fail, come back; nil when it can.
    package func obstacle(to next: ProgramStatement) -> String? {
        for format in formats {
            guard let other = next.formats.first(where: { $0.name == format.name }) else {
                return "steady \(next.version) does not know the format of \(format.name), which steady \(version) writes"
            }
            if format.writes > other.reads.upperBound {
                return "steady \(next.version) is older: it reads \(format.name) up to format \(other.reads.upperBound), and this instance "
                    + "writes format \(format.writes)"
            }
            if format.writes < other.reads.lowerBound {
                return "steady \(next.version) reads \(format.name) from format \(other.reads.lowerBound) on, and this instance writes "
                    + "format \(format.writes); upgrade to a version between them first"
            }
            if !format.reads.contains(other.writes) {
                return "steady \(next.version) writes \(format.name) in format \(other.writes), which steady \(version) cannot read: there "
                    + "would be no way back; upgrade to a version between them first, or stop the instance (steady down) and start it with the "
                    + "new program"
            }
        }
        return nil
    }
}

/// Writes the chunked coding (RFC 9112, 7.1).
package enum Chunks {
    /// The line before `count` bytes of data; zero would end the body, so nothing is written for it.
    package static func begin(_ count: Int, into output: inout ByteQueue) {
        output.append(String(count, radix: 16))
        output.append("\r\n" as StaticString)
    }

    /// The line end behind the data.
    package static func end(into output: inout ByteQueue) { output.append("\r\n" as StaticString) }

    /// One whole chunk; nothing for no bytes.
    package static func append(_ bytes: [UInt8], into output: inout ByteQueue) {
        if bytes.isEmpty { return }
        begin(bytes.count, into: &output)
        output.append(bytes)
        end(into: &output)
    }

    /// The last chunk, with trailers where there are any.
    package static func finish(trailers: HTTPHeaders = HTTPHeaders(), into output: inout ByteQueue) {
        output.append("0\r\n" as StaticString)
        trailers.serialize(into: &output)
        output.append("\r\n" as StaticString)
    }
}

/// One HTTP request, reduced to what decides its answer.
package struct Call: Sendable {
    package var method: String
    /// Percent-decoded, without the query.
    package var path: String
    package var query: Query
    package var headers: CallHeaders
    package var body: [UInt8]

    package init(_ method: String, _ path: String, query: Query = Query(), headers: CallHeaders = CallHeaders(), body: [UInt8] = []) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }
}

/// The request headers that matter here; nil when absent.
package struct CallHeaders: Sendable {
    package var accept: String?
    package var contentType: String?
    package var ifNoneMatch: String?
    /// `NODE/N`: the lease epoch under which an agent writes pod status.
    package var leaseEpoch: String?

    package init(accept: String? = nil, contentType: String? = nil, ifNoneMatch: String? = nil, leaseEpoch: String? = nil) {
        self.accept = accept
        self.contentType = contentType
        self.ifNoneMatch = ifNoneMatch
        self.leaseEpoch = leaseEpoch
    }
}

/// ConfigMaps, Secrets and Steady's own kinds.
extension SchemaText {
    static let configuration = """
        ConfigMap | Names and texts that programs read.
          data {string}
          binaryData {bytes} | Base64.
          immutable bool | Can never be changed again.
        Secret | Names and bytes that programs read and others should not.
          data {bytes} | Base64.
          stringData {string} | Plain texts; the server moves them into data.
          type string
          immutable bool | Can never be changed again.
        """

    static let steady = """
        Image | Says what a container's image means: which program is started, and how.
          spec! ImageSpec
        ImageSpec
          reference! string | What manifests write as image; web, web:latest and docker.io/library/web:latest are one.
          command [string] | The program, by its absolute path, and its first arguments.
          args [string] | Further arguments; a container's replace them.
          workingDir string | An absolute path; the pod's own directory where absent.
          env [EnvVar by name] | Environment; a container's wins.
          ports [ContainerPort by containerPort] | Ports the program listens on.
        TrafficPolicy | How the proxy treats the traffic of Services.
          spec! TrafficPolicySpec
          status TrafficPolicyStatus
        TrafficPolicyStatus | Whether it holds.
          conditions [Condition by type] | Accepted: for all of its targets; else the first that it does not hold for. ResolvedRefs: whether what fallback names is there.
          ancestors [TrafficAncestorStatus] | Target by target, in the order of targetRefs.
        TrafficAncestorStatus
          ancestorRef! TrafficTarget
          controllerName! string
          conditions [Condition by type] | Accepted (Conflicted, TargetNotFound), Overridden and ResolvedRefs (BackendNotFound, BodyNotFound, BodyEmpty, BodyTooLong).
        TrafficPolicySpec
          targetRefs! [TrafficTarget] | The Services that it holds for; of several policies for one port the oldest holds.
          loadBalancer TrafficLoadBalancer | How an endpoint is chosen.
          backends [TrafficBackend] | Which pods come first and get how much; the first entry that selects a pod holds for it.
          failover TrafficFailover | When pods of a worse priority are used.
          sessionPersistence TrafficSession | Leads a client to the pod that it had before, while that is there.
          timeout TrafficTimeout | How long things may take.
          circuitBreaker TrafficCircuitBreaker | How much may be under way; what is beyond is refused at once, and other Services do not notice.
          healthCheck TrafficHealthCheck | Which endpoints get nothing though they are ready.
          retry TrafficRetry | How often a request goes to another endpoint.
          rateLimit TrafficRateLimit | How many requests may come.
          loadShedding TrafficLoadShedding | Which requests are refused first where there are too many.
          fallback [TrafficFallback] | Who answers where no endpoint can, in this order.
          faultInjection TrafficFaultInjection | Troubles made on purpose, for drills.
          enableProxyProtocol bool | Every connection of a client begins with a PROXY header; who is told by it counts as the client.
          proxyProtocol TrafficProxyProtocol | Connections to endpoints begin with a PROXY header.
          telemetry TrafficTelemetry | What is told of the traffic beside its numbers.
        TrafficTelemetry
          accessLog TrafficAccessLog | A line of JSON for each request, in the proxy's access log.
        TrafficAccessLog
          percentage number | Of the requests, chosen by chance; 100 where absent.
        TrafficTarget
          group string | Empty: the core group.
          kind! string(Service)
          name! string | Of a Service in the same namespace.
          sectionName string | The name of one of its ports; all of them where absent.
        TrafficLoadBalancer
          type! string(LeastRequest RoundRobin Random ConsistentHash)
          consistentHash TrafficConsistentHash | What decides; for ConsistentHash.
          slowStart TrafficSlowStart | Warms up pods that have become ready.
        TrafficSlowStart
          window! string | For so long a pod gets less than its share: a tenth of it at first, then more and more.
        TrafficBackend
          selector LabelSelector | Which pods; all of them where absent.
          weight int | The share of the traffic of its priority, however many pods there are; 1 where absent, 0 is nothing.
          priority int | 0, the default, is the best; worse ones are used while too little of the better ones is healthy.
        TrafficFailover
          minHealthyPercent int | A priority carries all traffic while so much of its pods is healthy, 70 where absent; of less, in proportion.
          failBackDelay string | For how long a better priority must be healthier before it gets its traffic back, such as 30s; 0s where absent.
        TrafficSession
          sessionName string | Of the cookie or the header field.
          type string(Cookie Header SourceIP) | What a client is known by; Cookie where absent.
          absoluteTimeout string | From the first response on.
          idleTimeout string | From the last response on.
          cookieConfig TrafficSessionCookie
        TrafficSessionCookie
          lifetimeType string(Permanent Session) | Permanent: the client keeps the cookie for absoluteTimeout; Session, the default: until it ends.
        TrafficConsistentHash
          type! string(SourceIP Header Cookie)
          header TrafficNamed
          cookie TrafficNamed
        TrafficNamed
          name! string
        TrafficTimeout
          tcp TrafficTCPTimeout
          http TrafficHTTPTimeout
        TrafficTCPTimeout
          connectTimeout string | Until an endpoint accepts a connection; 1s where absent.
        TrafficHTTPTimeout
          requestTimeout string | From when a request is let in to the end of its response, such as 500ms or 1m30s; 0s: without end.
          streamIdleTimeout string | Without a byte in either direction, while the endpoint thinks too.
          connectionIdleTimeout string | How long a connection to an endpoint is kept without a request; 3s where absent.
          maxConnectionDuration string | How old a connection to an endpoint may be when a request is put on it.
          propagateDeadline bool | Whether a caller's deadline holds and what is left is passed on; true where requestTimeout is given.
        TrafficCircuitBreaker
          maxPendingRequests long | So many may wait for an endpoint.
          maxParallelRequests long | So many may be under way, over all endpoints.
          maxParallelRetries long | So many of them may be repeats.
          maxConnections long | So many connections may be in use, over all endpoints.
          perEndpoint TrafficEndpointBreaker | For each endpoint.
          trip TrafficTrip | When a Service whose requests fail is left in peace; never where absent.
        TrafficEndpointBreaker
          maxConnections long | So many connections may be open to one endpoint.
        TrafficTrip | Closed, open, half-open.
          consecutiveErrors int | Requests that failed in a row, over all endpoints; 10 where absent, 0 is never.
          failurePercentage int | Of an interval's requests; 90 where absent, 0 is never.
          requestVolume int | An interval with fewer requests says nothing by its percentage; 20 where absent.
          interval string | 10s where absent.
          openTime string | Times how often it opened in a row; 5s where absent.
          maxOpenTime string | 60s where absent.
          trialRequests int | So many go through to find out; 1 where absent.
        TrafficHealthCheck | Which endpoints get nothing though they are ready.
          passive TrafficPassiveCheck | By what they answer.
          active TrafficActiveCheck | By what the proxy asks them.
          panicThreshold int | Below this percentage of healthy endpoints all are used; 0 where absent, only when none is left.
        TrafficPassiveCheck
          consecutive5XxErrors int | Answers of 500 and above in a row; 5 where absent, 0 is never.
          consecutiveGatewayErrors int | Answers of 502 to 504 in a row; 0 where absent, which is never.
          consecutiveLocalOriginFailures int | Failed connections in a row; 5 where absent; only with splitExternalLocalOriginErrors.
          splitExternalLocalOriginErrors bool | Failed connections are told from answers of 500 and above.
          failurePercentageThreshold int | Of an interval's requests; 85 where absent, 0 is never.
          failurePercentageRequestVolume int | An interval with fewer requests says nothing by its percentage; 20 where absent.
          interval string | 3s where absent.
          baseEjectionTime string | Times how often it was taken out in a row; 30s where absent.
          maxEjectionTime string | 300s where absent.
          maxEjectionPercent int | So many of the endpoints, rounded down, but one always and the last one never; 50 where absent.
        TrafficActiveCheck | One check, or a list of them.
          type string(HTTP TCP)
          http TrafficHTTPCheck
          tcp TrafficTCPCheck
          depth string(Shallow Deep)
          interval string | 3s where absent.
          timeout string | 1s where absent.
          initialJitter string | The first one comes within this time; the interval where absent.
          unhealthyThreshold int | Failures in a row; 3 where absent.
          healthyThreshold int | Passes in a row; 1 where absent.
          checks [TrafficNamedCheck by name]
        TrafficNamedCheck
          name! string
          depth string(Shallow Deep) | Shallow, the default: who fails gets nothing. Deep: only while others pass, within the floor of ejections.
          type! string(HTTP TCP)
          http TrafficHTTPCheck
          tcp TrafficTCPCheck
          interval string | 3s where absent.
          timeout string | 1s where absent.
          initialJitter string | The first one comes within this time; the interval where absent.
          unhealthyThreshold int | Failures in a row; 3 where absent.
          healthyThreshold int | Passes in a row; 1 where absent.
        TrafficHTTPCheck
          path! string
          method string(GET HEAD POST OPTIONS) | GET where absent.
          hostname string | The Service's name where absent.
          expectedStatuses [int] | 200 where absent.
          expectedResponse TrafficCheckText | What the body has to contain.
        TrafficTCPCheck | A connection, and perhaps a word each way.
          send TrafficCheckText
          receive TrafficCheckText | What the endpoint's bytes have to contain.
        TrafficCheckText
          type string(Text)
          text! string
        TrafficRetry
          numRetries int | How often one request is repeated; 0 is never.
          retryOn TrafficRetryOn | What makes an attempt one to repeat; connect-failure and reset where absent.
          perRetry TrafficPerRetry
          nonIdempotentRequests string(Never WithIdempotencyKey Always) | Whether POST and the like are repeated that an endpoint may have had.
          hedging TrafficHedging | A second attempt while the first is out; the first answer counts. Not without being asked for.
          budget TrafficRetryBudget
        TrafficRetryOn
          triggers [string] | Of 5xx, gateway-error, reset, connect-failure, retriable-4xx and retriable-status-codes.
          httpStatusCodes [int] | For retriable-status-codes.
        TrafficPerRetry
          timeout string | How long one attempt may take until its response begins.
          backOff TrafficBackOff
        TrafficBackOff
          baseInterval! string | The first repeat comes between half of it and all of it later; doubled for each further one.
          maxInterval string | Ten times the base where absent.
        TrafficHedging
          delay! string | At least so long after the first attempt.
          percentile int | Later still: when this share of the answers would have begun.
        TrafficRetryBudget
          percent int | Repeats may be this share of the requests of the last ten seconds.
          minRetriesPerSecond int | So many are allowed where there are few requests.
        TrafficRateLimit
          type string(Local)
          local TrafficLocalRateLimit
        TrafficLocalRateLimit
          rules! [TrafficRateLimitRule] | A request has to pass each rule that selects it.
        TrafficRateLimitRule
          clientSelectors [TrafficClientSelector] | Selects what matches any of them; everything where absent.
          limit! TrafficRateLimitValue
        TrafficClientSelector | All parts that are given must match.
          headers [TrafficHeaderMatch]
          path TrafficPathMatch
          sourceCIDR TrafficSourceMatch
        TrafficHeaderMatch
          name! string
          type string(Exact Distinct) | Distinct: a limit of its own for each value.
          value string | For Exact.
        TrafficPathMatch
          type string(Exact PathPrefix)
          value! string
        TrafficSourceMatch
          type string(Exact Distinct) | Distinct: a limit of its own for each address.
          value! string | Such as 127.64.0.0/16.
        TrafficRateLimitValue
          requests! long
          unit! string(Second Minute Hour Day)
        TrafficLoadShedding
          maxParallelRequests int | So many are under way; further ones wait in line, those of the highest priority in front.
          maxQueueAge string | How old the oldest that waits may be for long; 100ms where absent.
          priorities [TrafficPriority] | The first that selects a request holds; 5 where none does.
        TrafficPriority
          clientSelectors [TrafficClientSelector] | Selects what matches any of them; everything where absent.
          priority! int | From 0, refused first, to 9.
        TrafficFallback | Another Service or a response.
          service TrafficFallbackService
          response TrafficFixedResponse
        TrafficFallbackService
          name! string | Of a Service in the same namespace.
          port! int
        TrafficFixedResponse
          statusCode int | 503 where absent.
          contentType string
          body TrafficFixedBody
        TrafficFixedBody
          type string(Inline ValueRef)
          inline string
          valueRef TrafficBodyReference | Where the body is; for ValueRef. Changes of it are followed.
        TrafficBodyReference
          group string | Empty: the core group.
          kind! string(ConfigMap)
          name! string | Of a ConfigMap in the same namespace: its key response.body, or else its first one.
        TrafficProxyProtocol
          version! string(V2)
        TrafficFaultInjection
          delay TrafficFaultDelay
          abort TrafficFaultAbort
        TrafficFaultDelay
          fixedDelay! string | Before the request goes on, such as 200ms.
          percentage number | Of the requests; 100 where absent.
        TrafficFaultAbort
          httpStatus! int | What is answered instead.
          percentage number | Of the requests; 100 where absent.
        ProxyStatus | What one proxy routes by, what it still has to finish, and where nobody accepts.
          spec ProxySpec
          status ProxyStatusStatus
        ProxySpec
          node string
        ProxyStatusStatus
          routeRevision string | Every change of Services and EndpointSlices up to this revision is in its table.
          endpoints [ProxyEndpoint] | Terminating endpoints with open exchanges.
          activeFlows int
          refusals [ProxyRefusal by node] | Nodes whose agent is away and of whose ready endpoints none accepts connections.
          conditions [Condition by type]
        ProxyEndpoint
          address! string
          activeExchanges int
          activeFlows int
        ProxyRefusal
          node! string
          absence! string | The absence of the node's agent during which it was found.
        """
}

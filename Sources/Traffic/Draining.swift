extension Router {
    /// What is still open to an endpoint that takes nothing new.
    package struct Draining: Equatable, Sendable {
        package var address: EndpointAddress
        package var exchangeCount: Int
        package var flowCount: Int

        package init(address: EndpointAddress, exchangeCount: Int, flowCount: Int) {
            self.address = address
            self.exchangeCount = exchangeCount
            self.flowCount = flowCount
        }
    }
}

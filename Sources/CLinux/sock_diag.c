#include "CLinux.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <arpa/inet.h>
#include <netinet/tcp.h>

// Asks on a sock_diag line for one socket by its addresses and fills `found`. 0; -1 and errno: ENOENT when there is none.
static int look_up_on(int netlink, uint8_t protocol, uint32_t source, uint16_t source_port, uint32_t destination, uint16_t destination_port,
                      struct inet_diag_msg *found) {
  static uint32_t sequence;
  struct {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
  } request;
  memset(&request, 0, sizeof request);
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.header.nlmsg_seq = __atomic_add_fetch(&sequence, 1, __ATOMIC_RELAXED);
  request.body.sdiag_family = AF_INET;
  request.body.sdiag_protocol = protocol;
  request.body.idiag_states = ~0u;
  request.body.id.idiag_src[0] = source;
  request.body.id.idiag_sport = source_port;
  request.body.id.idiag_dst[0] = destination;
  request.body.id.idiag_dport = destination_port;
  request.body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  if (send(netlink, &request, sizeof request, 0) != (ssize_t)sizeof request) return -1;
  for (;;) {
    union {
      struct nlmsghdr header;
      char bytes[4096];
    } answer;
    // The kernel has answered by the time that the question was sent.
    ssize_t got = recv(netlink, &answer, sizeof answer, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    // An answer that an earlier caller left behind is not ours.
    if (got >= (ssize_t)sizeof(struct nlmsghdr) && answer.header.nlmsg_seq != request.header.nlmsg_seq) continue;
    errno = EIO;
    if (got < (ssize_t)sizeof(struct nlmsghdr) || !NLMSG_OK(&answer.header, (unsigned)got)) return -1;
    if (answer.header.nlmsg_type == NLMSG_ERROR) {
      errno = -((struct nlmsgerr *)NLMSG_DATA(&answer.header))->error;
      return -1;
    }
    if (answer.header.nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg))) return -1;
    memcpy(found, NLMSG_DATA(&answer.header), sizeof *found);
    return 0;
  }
}

int clinux_sock_diag_line(void) { return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG); }

// The same on a line of its own.
static int look_up(uint8_t protocol, uint32_t source, uint16_t source_port, uint32_t destination, uint16_t destination_port,
                   struct inet_diag_msg *found) {
  int netlink = clinux_sock_diag_line();
  if (netlink < 0) return -1;
  int result = look_up_on(netlink, protocol, source, source_port, destination, destination_port, found);
  int error = errno;
  close(netlink);
  errno = error;
  return result;
}

int clinux_listener_user(int line, uint32_t address, uint16_t port, uint32_t *uid) {
  struct inet_diag_msg found;
  if (look_up_on(line, IPPROTO_TCP, htonl(address), htons(port), 0, 0, &found) < 0) return errno == ENOENT ? 0 : -1;
  if (found.idiag_state != TCP_LISTEN) return 0;
  *uid = found.idiag_uid;
  return 1;
}

int clinux_listener_socket(uint32_t address, uint16_t port, uint32_t *at, uint32_t *inode) {
  struct inet_diag_msg found;
  if (look_up(IPPROTO_TCP, htonl(address), htons(port), 0, 0, &found) < 0) return errno == ENOENT ? 0 : -1;
  if (found.idiag_state != TCP_LISTEN) return 0;
  // An IPv6 socket shows the mapped form.
  *at = ntohl(found.idiag_family == AF_INET6 ? found.id.idiag_src[3] : found.id.idiag_src[0]);
  *inode = found.idiag_inode;
  return 1;
}

int clinux_tcp_owner(uint32_t local, uint16_t local_port, uint32_t peer, uint16_t peer_port, uint32_t *uid, uint32_t *inode, uint8_t *state) {
  struct inet_diag_msg found;
  // The peer's socket is looked up by its own view: its source is our peer.
  if (look_up(IPPROTO_TCP, peer, peer_port, local, local_port, &found) < 0) return -1;
  *uid = found.idiag_uid;
  *inode = found.idiag_inode;
  *state = found.idiag_state;
  return 0;
}

int clinux_socket_at(int type, uint32_t address, uint16_t port) {
  struct inet_diag_msg found;
  uint32_t wanted = htonl(address);
  int is_datagram = type == SOCK_DGRAM;
  // UDP takes the two ends the other way round than TCP.
  int result = is_datagram ? look_up(IPPROTO_UDP, 0, 0, wanted, htons(port), &found) : look_up(IPPROTO_TCP, wanted, htons(port), 0, 0, &found);
  if (result < 0) return errno == ENOENT ? 0 : -1;
  // A socket on every address is found, too: it is not the one at this address. An IPv6 socket shows the mapped form.
  uint32_t at = found.idiag_family == AF_INET6 ? found.id.idiag_src[3] : found.id.idiag_src[0];
  if (at != wanted || found.id.idiag_sport != htons(port)) return 0;
  if (!is_datagram && found.idiag_state != TCP_LISTEN) return 0;
  return found.idiag_family;
}

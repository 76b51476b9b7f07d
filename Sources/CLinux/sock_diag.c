#include "CLinux.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

int clinux_tcp_owner(uint32_t local, uint16_t local_port, uint32_t peer, uint16_t peer_port, uint32_t *uid, uint32_t *inode, uint8_t *state) {
  int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (netlink < 0) return -1;
  struct {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
  } request;
  memset(&request, 0, sizeof request);
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.body.sdiag_family = AF_INET;
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_states = ~0u;
  // The peer's socket is looked up by its own view: its source is our peer.
  request.body.id.idiag_src[0] = peer;
  request.body.id.idiag_sport = peer_port;
  request.body.id.idiag_dst[0] = local;
  request.body.id.idiag_dport = local_port;
  request.body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  int result = -1, error = EIO;
  if (send(netlink, &request, sizeof request, 0) == (ssize_t)sizeof request) {
    union {
      struct nlmsghdr header;
      char bytes[4096];
    } answer;
    ssize_t got = recv(netlink, &answer, sizeof answer, 0);
    if (got >= (ssize_t)sizeof(struct nlmsghdr) && NLMSG_OK(&answer.header, (unsigned)got)) {
      if (answer.header.nlmsg_type == NLMSG_ERROR) {
        error = -((struct nlmsgerr *)NLMSG_DATA(&answer.header))->error;
      } else if (answer.header.nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg))) {
        struct inet_diag_msg *found = NLMSG_DATA(&answer.header);
        *uid = found->idiag_uid;
        *inode = found->idiag_inode;
        *state = found->idiag_state;
        result = 0;
      }
    }
  } else {
    error = errno;
  }
  close(netlink);
  if (result < 0) errno = error;
  return result;
}

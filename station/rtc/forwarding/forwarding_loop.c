/* The forwarding loop compiled: one run of packets of one encoding to all its subscribers on UDP.
 *
 * It does what fan_out.py does, byte for byte (tests/rtc/test_fan_out.py holds both to it), and hands the datagrams of
 * many subscribers to the kernel in one call (sendmmsg), those of one subscriber cut apart by it (UDP_SEGMENT).
 * Needs neither Python's nor libsrtp's headers: ctypes brings the addresses. Whoever changes a structure or a parameter
 * raises FORMAT here and in compiled.py. */

#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>

#ifndef FORMAT
#define FORMAT 1
#endif
#define MOST_MESSAGES 64
#define UDP_SEGMENT_OPTION 103 /* linux/udp.h */
#define ROOM 64                /* header and authentication tag of a packet, as gso.py counts them */
#define PLAIN_HEADER 12
#define NUMBERED_HEADER 20

typedef int (*protect_call)(void *session, void *packet, int *octets);

/* How a subscriber's packets differ from the publisher's, and where they go: Route in compiled.py. */
struct route {
    void *session;    /* of libsrtp */
    uint32_t *number; /* the running number of all packets on this downlink */
    int32_t socket;   /* -1: not by us */
    uint32_t address_bytes;
    uint32_t ssrc, sequence_offset, timestamp_offset;
    uint16_t picture_shift;
    uint8_t layer_zero_shift, is_shifted, payload_type, extension;
    uint8_t address[28]; /* a sockaddr_in or sockaddr_in6 */
};

/* Before each payload of a run: ITEM in compiled.py. */
struct item {
    uint32_t sequence, timestamp, octets;
    uint8_t marker, flags, spare[2];
};

enum outcome { SENT, UNSENT, UNPROTECTED, NOT_BY_US };

struct result {
    uint32_t first_number, octets;
    uint8_t outcome, spare[3];
};

static void put16(uint8_t *at, uint32_t value) { at[0] = value >> 8; at[1] = value; }
static void put32(uint8_t *at, uint32_t value) { put16(at, value >> 16); put16(at + 2, value); }

/* RFC 7741 section 4.2: moves PictureID and TL0PICIDX on; leaves alone what is cut off. */
static void shift_picture(const struct route *route, uint8_t *at, const uint8_t *end) {
    uint8_t *picture = 0, *layer_zero = 0;
    if (at >= end) return;
    if (*at++ & 0x80) {
        if (at >= end) return;
        uint8_t flags = *at++;
        if (flags & 0x80) {
            if (at >= end) return;
            picture = at;
            at += *at & 0x80 ? 2 : 1;
        }
        if (flags & 0x40) layer_zero = at++;
        if (flags & 0x30) at++;
    }
    if (at > end) return;
    if (picture && *picture & 0x80)
        put16(picture, 0x8000 | (((picture[0] << 8 | picture[1]) + route->picture_shift) & 0x7FFF));
    else if (picture)
        *picture = (*picture + route->picture_shift) & 0x7F;
    if (layer_zero) *layer_zero += route->layer_zero_shift;
}

/* Writes one packet as this subscriber sees it, and encrypts it. Returns its octets; 0 when that failed. */
static int write_packet(protect_call protect, const struct route *route, uint32_t number, const struct item *item,
                        const uint8_t *payload, uint8_t *at) {
    int octets = route->extension ? NUMBERED_HEADER : PLAIN_HEADER;
    at[0] = item->flags;
    at[1] = item->marker | route->payload_type;
    put16(at + 2, item->sequence + route->sequence_offset);
    put32(at + 4, item->timestamp + route->timestamp_offset);
    put32(at + 8, route->ssrc);
    if (route->extension) { /* RFC 8285 section 4.2: one element, padded to a word */
        at[0] |= 0x10;
        put32(at + 12, 0xBEDE0001);
        at[16] = route->extension;
        put16(at + 17, number);
        at[19] = 0;
    }
    memcpy(at + octets, payload, item->octets);
    if (route->is_shifted) shift_picture(route, at + octets, at + octets + item->octets);
    octets += item->octets;
    return protect(route->session, at, &octets) ? 0 : octets;
}

/* Writes a whole run for one subscriber. Returns its octets, 0 when it cannot be encrypted; `segment` is the first's. */
static uint32_t write_run(protect_call protect, const struct route *route, const uint8_t *run, int count, uint8_t *at,
                          uint16_t *segment) {
    uint8_t *start = at;
    struct item item;
    for (int n = 0; n < count; n++) {
        memcpy(&item, run, sizeof item);
        run += sizeof item;
        int octets = write_packet(protect, route, *route->number + n, &item, run, at);
        if (!octets) return 0;
        if (!n) *segment = octets;
        run += item.octets;
        at += octets;
    }
    return at - start;
}

struct batch {
    struct mmsghdr messages[MOST_MESSAGES];
    struct iovec datagrams[MOST_MESSAGES];
    struct result *results[MOST_MESSAGES];
    union { char bytes[CMSG_SPACE(sizeof(uint16_t))]; struct cmsghdr aligned; } controls[MOST_MESSAGES];
    int count, socket;
};

static void add(struct batch *batch, struct route *route, struct result *result, uint8_t *at, int count,
                uint16_t segment) {
    int n = batch->count++;
    struct msghdr *message = &batch->messages[n].msg_hdr;
    memset(&batch->messages[n], 0, sizeof batch->messages[n]);
    batch->datagrams[n] = (struct iovec){at, result->octets};
    batch->results[n] = result;
    batch->socket = route->socket;
    message->msg_iov = &batch->datagrams[n];
    message->msg_iovlen = 1;
    message->msg_name = route->address;
    message->msg_namelen = route->address_bytes;
    if (count < 2) return;
    message->msg_control = &batch->controls[n];
    message->msg_controllen = sizeof batch->controls[n].bytes;
    struct cmsghdr *control = CMSG_FIRSTHDR(message);
    control->cmsg_level = IPPROTO_UDP;
    control->cmsg_type = UDP_SEGMENT_OPTION;
    control->cmsg_len = CMSG_LEN(sizeof segment);
    memcpy(CMSG_DATA(control), &segment, sizeof segment);
}

/* The kernel stops at the first that it does not take: that one is lost, the others go on. */
static void send_all(struct batch *batch) {
    for (int done = 0; done < batch->count;) {
        int sent = sendmmsg(batch->socket, batch->messages + done, batch->count - done, MSG_DONTWAIT);
        if (sent < 1) batch->results[done]->outcome = UNSENT;
        done += sent < 1 ? 1 : sent;
    }
    batch->count = 0;
}

int fan_out_format(void) { return FORMAT; }

/* Sends a run of `count` packets, `run_octets` bytes with its heads, to `routes`; what became of each is in `results`. */
void fan_out(protect_call protect, struct route **routes, int routes_count, const uint8_t *run, int run_octets,
             int count, uint8_t *buffer, int buffer_octets, struct result *results) {
    struct batch batch;
    uint8_t *at = buffer;
    int most = run_octets + count * ROOM;
    batch.count = 0;
    for (int n = 0; n < routes_count; n++) {
        struct route *route = routes[n];
        struct result *result = &results[n];
        uint16_t segment = 0;
        result->outcome = NOT_BY_US;
        if (route->socket < 0 || most > buffer_octets) continue;
        if (batch.count == MOST_MESSAGES || at + most > buffer + buffer_octets ||
            (batch.count && batch.socket != route->socket)) {
            send_all(&batch);
            at = buffer;
        }
        result->first_number = *route->number;
        result->octets = write_run(protect, route, run, count, at, &segment);
        result->outcome = result->octets ? SENT : UNPROTECTED;
        if (!result->octets) continue;
        if (route->extension) *route->number += count;
        add(&batch, route, result, at, count, segment);
        at += result->octets;
    }
    send_all(&batch);
}

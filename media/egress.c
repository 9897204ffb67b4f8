/* The hot loop of media/egress_native.py: rewrite, protect and send, without the interpreter.
 *
 * Sends every packet to every leg, in the order of media/sink.py: Leg.rewrite. The arena holds
 * SLOTS packets; when it is full they go out by sendmmsg. Nothing is kept between two calls, which must not overlap.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define SLOTS 512
#define SLOT_SIZE 1536
#define HEADER_SIZE 12
#define FULL_BUFFER_WAIT_MS 5

struct packet {
    const uint8_t *payload;
    uint32_t size;
    uint32_t timestamp;
    uint32_t sequence;
    uint8_t marker;
};

struct destination {
    void *srtp;
    uint8_t name[28];
};

struct leg {
    const struct destination *destination;
    uint32_t ssrc;
    uint32_t timestamp_offset;
    uint32_t sequence_offset;
    uint8_t payload_type;
};

struct counts {
    uint64_t sent;
    uint64_t dropped;
};

/* pylibsrtp's own copy of srtp_protect; anything but 0 leaves the packet plain. */
typedef int (*protect_function)(void *srtp, void *packet, int *length);

static uint8_t arena[SLOTS][SLOT_SIZE];
static struct iovec vectors[SLOTS];
static struct mmsghdr messages[SLOTS];

static void flush(int fd, int filled, struct counts *counts)
{
    int at = 0;
    while (at < filled) {
        int taken = sendmmsg(fd, messages + at, filled - at, 0);
        if (taken > 0) {
            at += taken;
            counts->sent += taken;
            continue;
        }
        if (errno == EINTR)
            continue;
        struct pollfd writable = {fd, POLLOUT, 0};
        if (poll(&writable, 1, FULL_BUFFER_WAIT_MS) <= 0) {
            counts->dropped += filled - at;
            return;
        }
        /* Writable and refused all the same: this one address cannot be reached. */
        at++;
        counts->dropped++;
    }
}

static int rewrite(uint8_t *slot, const struct packet *packet, const struct leg *leg)
{
    uint16_t sequence = htons((uint16_t)(packet->sequence + leg->sequence_offset));
    uint32_t timestamp = htonl(packet->timestamp + leg->timestamp_offset);
    uint32_t ssrc = htonl(leg->ssrc);
    slot[0] = 0x80;
    slot[1] = leg->payload_type | (packet->marker ? 0x80 : 0);
    memcpy(slot + 2, &sequence, 2);
    memcpy(slot + 4, &timestamp, 4);
    memcpy(slot + 8, &ssrc, 4);
    memcpy(slot + HEADER_SIZE, packet->payload, packet->size);
    return HEADER_SIZE + (int)packet->size;
}

void forward(int fd, unsigned name_size, protect_function protect, const struct packet *packets, int packet_count,
             struct leg *const *legs, int leg_count, struct counts *counts)
{
    int filled = 0;
    for (int l = 0; l < leg_count; l++) {
        const struct leg *leg = legs[l];
        for (int p = 0; p < packet_count; p++) {
            int length = rewrite(arena[filled], &packets[p], leg);
            if (protect(leg->destination->srtp, arena[filled], &length) != 0) {
                counts->dropped++;
                continue;
            }
            vectors[filled].iov_base = arena[filled];
            vectors[filled].iov_len = length;
            struct msghdr *header = &messages[filled].msg_hdr;
            header->msg_name = (void *)leg->destination->name;
            header->msg_namelen = name_size;
            header->msg_iov = &vectors[filled];
            header->msg_iovlen = 1;
            if (++filled == SLOTS) {
                flush(fd, filled, counts);
                filled = 0;
            }
        }
    }
    flush(fd, filled, counts);
}

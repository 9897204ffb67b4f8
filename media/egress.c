/* The hot loop of media/egress_native.py: rewrite, protect and send, without the interpreter.
 *
 * Sends every packet to every leg, in the order of media/sink.py: Leg.rewrite. The arena holds
 * SLOTS packets; when it is full they go out by sendmmsg. Nothing is kept between two calls, which must not overlap.
 *
 * Packets of one leg that follow each other and have the same size, but for the last, which may be smaller, are one
 * message: the kernel cuts it (UDP_SEGMENT). Where it does not know how, segment is 0 and each is a message.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define SLOTS 512
#define SLOT_SIZE 1536
#define HEADER_SIZE 12
#define FULL_BUFFER_WAIT_MS 5
#define MAX_SEGMENTS 48
#define MAX_MESSAGE 60000
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef SOL_UDP
#define SOL_UDP 17
#endif

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

union control {
    char bytes[CMSG_SPACE(sizeof(uint16_t))];
    struct cmsghdr align;
};

static uint8_t arena[SLOTS][SLOT_SIZE];
static struct iovec vectors[SLOTS];
static struct mmsghdr messages[SLOTS];
static union control controls[SLOTS];

static uint64_t packets_of(const struct mmsghdr *first, int count)
{
    uint64_t packets = 0;
    for (int m = 0; m < count; m++)
        packets += first[m].msg_hdr.msg_iovlen;
    return packets;
}

static void set_segment(struct msghdr *header, union control *control, uint16_t size)
{
    header->msg_control = control->bytes;
    header->msg_controllen = sizeof control->bytes;
    struct cmsghdr *message = CMSG_FIRSTHDR(header);
    message->cmsg_level = SOL_UDP;
    message->cmsg_type = UDP_SEGMENT;
    message->cmsg_len = CMSG_LEN(sizeof size);
    memcpy(CMSG_DATA(message), &size, sizeof size);
}

/* Lay the filled slots out as messages, and return how many there are. */
static int lay_out(int filled, unsigned name_size, const void *const *names, int segment)
{
    int count = 0;
    for (int slot = 0; slot < filled;) {
        struct msghdr *header = &messages[count].msg_hdr;
        size_t size = vectors[slot].iov_len, total = size;
        int taken = 1;
        while (segment && slot + taken < filled && taken < MAX_SEGMENTS && names[slot + taken] == names[slot] &&
               vectors[slot + taken - 1].iov_len == size && vectors[slot + taken].iov_len <= size &&
               total + vectors[slot + taken].iov_len <= MAX_MESSAGE)
            total += vectors[slot + taken++].iov_len;
        header->msg_name = (void *)names[slot];
        header->msg_namelen = name_size;
        header->msg_iov = &vectors[slot];
        header->msg_iovlen = taken;
        header->msg_control = 0;
        header->msg_controllen = 0;
        if (taken > 1)
            set_segment(header, &controls[count], (uint16_t)size);
        count++;
        slot += taken;
    }
    return count;
}

static void flush(int fd, int filled, struct counts *counts)
{
    int at = 0;
    while (at < filled) {
        int taken = sendmmsg(fd, messages + at, filled - at, 0);
        if (taken > 0) {
            counts->sent += packets_of(messages + at, taken);
            at += taken;
            continue;
        }
        if (errno == EINTR)
            continue;
        struct pollfd writable = {fd, POLLOUT, 0};
        if (poll(&writable, 1, FULL_BUFFER_WAIT_MS) <= 0) {
            counts->dropped += packets_of(messages + at, filled - at);
            return;
        }
        /* Writable and refused all the same: this one address cannot be reached. */
        counts->dropped += packets_of(messages + at, 1);
        at++;
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
             struct leg *const *legs, int leg_count, int segment, struct counts *counts)
{
    static const void *names[SLOTS];
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
            names[filled] = leg->destination->name;
            if (++filled == SLOTS) {
                flush(fd, lay_out(filled, name_size, names, segment), counts);
                filled = 0;
            }
        }
    }
    flush(fd, lay_out(filled, name_size, names, segment), counts);
}

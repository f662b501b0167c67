/* A WebSocket server's answer to a key: RFC 6455 section 4.2.2, with its SHA-1 (RFC 3174) and base64 (RFC 4648). */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint32_t left(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

/* Four bytes, the most significant first. */
static uint32_t word(const unsigned char *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | (uint32_t)b[3];
}

/* SHA-1 of at most 119 bytes. A key with its GUID has 60. */
static void sha1(const char *text, size_t size, unsigned char digest[20])
{
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0}, w[80];
    unsigned char block[128] = {0};
    size_t whole = size + 9 <= 64 ? 64 : 128;

    memcpy(block, text, size);
    block[size] = 0x80;
    block[whole - 2] = (unsigned char)(size * 8 >> 8), block[whole - 1] = (unsigned char)(size * 8);
    for (unsigned char *b = block; b < block + whole; b += 64) {
        uint32_t v[5];
        memcpy(v, h, sizeof v);
        for (int i = 0; i < 80; i++) {
            uint32_t f, k;
            w[i] = i < 16 ? word(b + 4 * i) : left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
            if (i < 20)
                f = (v[1] & v[2]) | (~v[1] & v[3]), k = 0x5A827999;
            else if (i < 40)
                f = v[1] ^ v[2] ^ v[3], k = 0x6ED9EBA1;
            else if (i < 60)
                f = (v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3]), k = 0x8F1BBCDC;
            else
                f = v[1] ^ v[2] ^ v[3], k = 0xCA62C1D6;
            f += left(v[0], 5) + v[4] + k + w[i];
            v[4] = v[3], v[3] = v[2], v[2] = left(v[1], 30), v[1] = v[0], v[0] = f;
        }
        for (int i = 0; i < 5; i++)
            h[i] += v[i];
    }
    for (int i = 0; i < 20; i++)
        digest[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
}

/* The value of Sec-WebSocket-Accept for a key of 24 characters. */
static void accept_value(const char *key, char value[29])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char digest[22] = {0}; /* two zeros at the end: `word` reads four bytes for a group of three */
    char joined[61];

    snprintf(joined, sizeof joined, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    sha1(joined, 60, digest);
    for (int i = 0; i < 28; i++) {
        uint32_t group = word(digest + i / 4 * 3) >> 8; /* three bytes are four digits */
        value[i] = digits[group >> (18 - 6 * (i % 4)) & 63];
    }
    value[27] = '=', value[28] = 0;
}

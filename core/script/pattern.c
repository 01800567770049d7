/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pattern becomes a row of items first, then the row is walked. Only an item
 * that repeats, and one that opens or closes a capture, recurses, and always to
 * a later item: the C stack is bounded by GW_PATTERN_ITEMS_MAX frames whatever
 * the subject. Each byte looked at is one step.
 */
#include "script/pattern.h"

enum {
    ITEM_BYTE,
    ITEM_ANY,
    ITEM_CLASS,
    ITEM_SET,
    ITEM_OPEN,
    ITEM_OPEN_POSITION,
    ITEM_CLOSE,
    ITEM_BACK,     /* %1 */
    ITEM_BALANCED, /* %bxy */
    ITEM_FRONTIER, /* %f[set] */
    ITEM_END,      /* $ at the end */
};

static bool between(unsigned char c, char low, char high)
{
    return c >= (unsigned char)low && c <= (unsigned char)high;
}

static bool is_punctuation(unsigned char c)
{
    return between(c, '!', '/') || between(c, ':', '@') || between(c, '[', '`') || between(c, '{', '~');
}

/* Sets *known to false for a letter that names no class. */
static bool in_lower_class(unsigned char c, unsigned char letter, bool *known)
{
    bool alpha = between(c, 'a', 'z') || between(c, 'A', 'Z');
    *known = true;
    switch (letter) {
    case 'a':
        return alpha;
    case 'c':
        return c < 32 || c == 127;
    case 'd':
        return between(c, '0', '9');
    case 'g':
        return between(c, '!', '~');
    case 'l':
        return between(c, 'a', 'z');
    case 'p':
        return is_punctuation(c);
    case 's':
        return c == ' ' || between(c, '\t', '\r');
    case 'u':
        return between(c, 'A', 'Z');
    case 'w':
        return alpha || between(c, '0', '9');
    case 'x':
        return between(c, '0', '9') || between(c, 'a', 'f') || between(c, 'A', 'F');
    default:
        *known = false;
        return false;
    }
}

static bool in_class(unsigned char c, unsigned char letter)
{
    bool known;
    bool inside = in_lower_class(c, letter | 0x20, &known);
    return between(letter, 'A', 'Z') ? !inside : inside;
}

static bool is_class(unsigned char letter)
{
    bool known;
    (void)in_lower_class(0, letter | 0x20, &known);
    return known && (between(letter, 'a', 'z') || between(letter, 'A', 'Z'));
}

static bool in_set(const uint32_t set[8], unsigned char c)
{
    return (set[c >> 5] >> (c & 31) & 1) != 0;
}

static void add_to_set(uint32_t set[8], unsigned char c)
{
    set[c >> 5] |= (uint32_t)1 << (c & 31);
}

struct compiler {
    struct gw_pattern *pattern;
    struct gw_str text;
    size_t at;
    uint8_t open[GW_PATTERN_CAPTURES_MAX];
    size_t open_count;
    bool closed[GW_PATTERN_CAPTURES_MAX];
    struct gw_err *err;
};

static bool has_more(const struct compiler *compiler)
{
    return compiler->at < compiler->text.length;
}

static unsigned char take_byte(struct compiler *compiler)
{
    return (unsigned char)compiler->text.at[compiler->at++];
}

static enum gw_status add_item(struct compiler *compiler, int kind, unsigned char argument, unsigned char argument2)
{
    struct gw_pattern *pattern = compiler->pattern;
    if (pattern->item_count == GW_PATTERN_ITEMS_MAX)
        return gw_fail(compiler->err, GW_E_LIMIT, "pattern has more than %d items", GW_PATTERN_ITEMS_MAX);
    pattern->items[pattern->item_count++] =
        (struct gw_pattern_item){.kind = (uint8_t)kind, .argument = argument, .argument2 = argument2};
    return GW_OK;
}

static void add_class_to_set(uint32_t set[8], unsigned char letter)
{
    for (unsigned c = 0; c < 256; c++) {
        if (in_class((unsigned char)c, letter))
            add_to_set(set, (unsigned char)c);
    }
}

static bool is_range(const struct compiler *compiler)
{
    struct gw_str text = compiler->text;
    return compiler->at + 1 < text.length && text.at[compiler->at] == '-' && text.at[compiler->at + 1] != ']';
}

/* One member of a set: a class, an escaped byte, a range or a byte. */
static enum gw_status add_member(struct compiler *compiler, uint32_t set[8])
{
    unsigned char c = take_byte(compiler);
    if (c == '%') {
        if (!has_more(compiler))
            return gw_fail(compiler->err, GW_E_SYNTAX, "malformed pattern (ends with '%%')");
        c = take_byte(compiler);
        if (is_class(c))
            add_class_to_set(set, c);
        else
            add_to_set(set, c);
        return GW_OK;
    }
    if (!is_range(compiler)) {
        add_to_set(set, c);
        return GW_OK;
    }
    compiler->at++;
    unsigned char high = take_byte(compiler);
    for (unsigned i = c; i <= high; i++)
        add_to_set(set, (unsigned char)i);
    return GW_OK;
}

/* After '['; a ']' that comes first is a member. */
static enum gw_status compile_set(struct compiler *compiler, int kind)
{
    struct gw_pattern *pattern = compiler->pattern;
    if (pattern->set_count == GW_PATTERN_SETS_MAX)
        return gw_fail(compiler->err, GW_E_LIMIT, "pattern has more than %d sets", GW_PATTERN_SETS_MAX);
    uint32_t *set = pattern->sets[pattern->set_count];
    memset(set, 0, sizeof pattern->sets[0]);
    bool negated = has_more(compiler) && compiler->text.at[compiler->at] == '^';
    if (negated)
        compiler->at++;
    for (bool first = true;; first = false) {
        if (!has_more(compiler))
            return gw_fail(compiler->err, GW_E_SYNTAX, "malformed pattern (missing ']')");
        if (!first && compiler->text.at[compiler->at] == ']')
            break;
        enum gw_status status = add_member(compiler, set);
        if (status != GW_OK)
            return status;
    }
    compiler->at++;
    for (size_t i = 0; negated && i < 8; i++)
        set[i] = ~set[i];
    return add_item(compiler, kind, (unsigned char)pattern->set_count++, 0);
}

static enum gw_status compile_open(struct compiler *compiler)
{
    struct gw_pattern *pattern = compiler->pattern;
    if (pattern->capture_count == GW_PATTERN_CAPTURES_MAX)
        return gw_fail(compiler->err, GW_E_LIMIT, "too many captures");
    uint8_t capture = (uint8_t)pattern->capture_count++;
    if (has_more(compiler) && compiler->text.at[compiler->at] == ')') {
        compiler->at++;
        compiler->closed[capture] = true;
        return add_item(compiler, ITEM_OPEN_POSITION, capture, 0);
    }
    compiler->open[compiler->open_count++] = capture;
    return add_item(compiler, ITEM_OPEN, capture, 0);
}

static enum gw_status compile_close(struct compiler *compiler)
{
    if (compiler->open_count == 0)
        return gw_fail(compiler->err, GW_E_SYNTAX, "invalid pattern capture");
    uint8_t capture = compiler->open[--compiler->open_count];
    compiler->closed[capture] = true;
    return add_item(compiler, ITEM_CLOSE, capture, 0);
}

static enum gw_status compile_balanced(struct compiler *compiler)
{
    if (compiler->text.length - compiler->at < 2)
        return gw_fail(compiler->err, GW_E_SYNTAX, "malformed pattern (missing arguments to '%%b')");
    unsigned char open = take_byte(compiler);
    return add_item(compiler, ITEM_BALANCED, open, take_byte(compiler));
}

static enum gw_status compile_frontier(struct compiler *compiler)
{
    if (!has_more(compiler) || take_byte(compiler) != '[')
        return gw_fail(compiler->err, GW_E_SYNTAX, "missing '[' after '%%f' in pattern");
    return compile_set(compiler, ITEM_FRONTIER);
}

/* After '%'; *single when the item may repeat. */
static enum gw_status compile_escape(struct compiler *compiler, bool *single)
{
    if (!has_more(compiler))
        return gw_fail(compiler->err, GW_E_SYNTAX, "malformed pattern (ends with '%%')");
    unsigned char c = take_byte(compiler);
    *single = false;
    if (c == 'b')
        return compile_balanced(compiler);
    if (c == 'f')
        return compile_frontier(compiler);
    if (between(c, '0', '9')) {
        size_t capture = (size_t)(c - '1');
        if (c == '0' || capture >= compiler->pattern->capture_count || !compiler->closed[capture])
            return gw_fail(compiler->err, GW_E_SYNTAX, "invalid capture index %%%c in pattern", c);
        return add_item(compiler, ITEM_BACK, (unsigned char)capture, 0);
    }
    *single = true;
    return add_item(compiler, is_class(c) ? ITEM_CLASS : ITEM_BYTE, c, 0);
}

static enum gw_status compile_single(struct compiler *compiler, bool *single)
{
    unsigned char c = take_byte(compiler);
    *single = false;
    switch (c) {
    case '(':
        return compile_open(compiler);
    case ')':
        return compile_close(compiler);
    case '%':
        return compile_escape(compiler, single);
    case '$':
        if (!has_more(compiler))
            return add_item(compiler, ITEM_END, 0, 0);
        break;
    case '[':
        *single = true;
        return compile_set(compiler, ITEM_SET);
    default:
        break;
    }
    *single = true;
    return add_item(compiler, c == '.' ? ITEM_ANY : ITEM_BYTE, c, 0);
}

static enum gw_status compile_item(struct compiler *compiler)
{
    bool single;
    enum gw_status status = compile_single(compiler, &single);
    if (status != GW_OK || !single || !has_more(compiler))
        return status;
    char c = compiler->text.at[compiler->at];
    if (c == '*' || c == '+' || c == '-' || c == '?') {
        compiler->at++;
        compiler->pattern->items[compiler->pattern->item_count - 1].repeat = (uint8_t)c;
    }
    return GW_OK;
}

enum gw_status gw_pattern_compile(struct gw_str text, bool literal_caret, struct gw_pattern *pattern,
                                  struct gw_err *err)
{
    struct compiler compiler = {.pattern = pattern, .text = text, .err = err};
    pattern->item_count = 0;
    pattern->set_count = 0;
    pattern->capture_count = 0;
    if (text.length > GW_PATTERN_BYTES_MAX)
        return gw_fail(err, GW_E_LIMIT, "pattern is longer than %d bytes", GW_PATTERN_BYTES_MAX);
    pattern->anchored = !literal_caret && text.length > 0 && text.at[0] == '^';
    compiler.at = pattern->anchored ? 1 : 0;
    while (has_more(&compiler)) {
        enum gw_status status = compile_item(&compiler);
        if (status != GW_OK)
            return status;
    }
    if (compiler.open_count > 0)
        return gw_fail(err, GW_E_SYNTAX, "unfinished capture");
    return GW_OK;
}

/* The walk. Positions are offsets into the subject; NO_MATCH says that this way leads nowhere. */
#define NO_MATCH SIZE_MAX

static size_t walk(const struct gw_pattern *pattern, struct gw_pattern_match *match, size_t index, size_t at);

static bool spend(struct gw_pattern_match *match, size_t steps)
{
    match->steps -= (int64_t)steps;
    return match->steps >= 0;
}

static bool matches_byte(const struct gw_pattern *pattern, const struct gw_pattern_item *item, unsigned char c)
{
    switch (item->kind) {
    case ITEM_ANY:
        return true;
    case ITEM_BYTE:
        return item->argument == c;
    case ITEM_CLASS:
        return in_class(c, item->argument);
    default:
        return in_set(pattern->sets[item->argument], c);
    }
}

static bool matches_at(const struct gw_pattern *pattern, const struct gw_pattern_item *item,
                       struct gw_pattern_match *match, size_t at)
{
    return spend(match, 1) && at < match->subject.length &&
           matches_byte(pattern, item, (unsigned char)match->subject.at[at]);
}

/* As many as there are, then fewer. */
static size_t walk_greedy(const struct gw_pattern *pattern, struct gw_pattern_match *match, size_t index, size_t at,
                          size_t least, size_t most)
{
    size_t count = 0;
    while (count < most && matches_at(pattern, &pattern->items[index], match, at + count))
        count++;
    for (;; count--) {
        if (count < least || match->steps < 0)
            return NO_MATCH;
        size_t end = walk(pattern, match, index + 1, at + count);
        if (end != NO_MATCH || count == 0)
            return end;
    }
}

/* As few as possible, then more. */
static size_t walk_lazy(const struct gw_pattern *pattern, struct gw_pattern_match *match, size_t index, size_t at)
{
    for (;; at++) {
        size_t end = walk(pattern, match, index + 1, at);
        if (end != NO_MATCH)
            return end;
        if (!matches_at(pattern, &pattern->items[index], match, at))
            return NO_MATCH;
    }
}

static size_t walk_repeat(const struct gw_pattern *pattern, struct gw_pattern_match *match, size_t index, size_t at)
{
    switch (pattern->items[index].repeat) {
    case '*':
        return walk_greedy(pattern, match, index, at, 0, SIZE_MAX);
    case '+':
        return walk_greedy(pattern, match, index, at, 1, SIZE_MAX);
    case '?':
        return walk_greedy(pattern, match, index, at, 0, 1);
    default:
        return walk_lazy(pattern, match, index, at);
    }
}

/* A capture that a failed way changed gets its old value back. */
static size_t walk_capture(const struct gw_pattern *pattern, struct gw_pattern_match *match, size_t index, size_t at)
{
    const struct gw_pattern_item *item = &pattern->items[index];
    struct gw_pattern_capture *capture = &match->captures[item->argument];
    struct gw_pattern_capture before = *capture;
    if (item->kind == ITEM_CLOSE)
        capture->length = at - capture->start;
    else
        *capture = (struct gw_pattern_capture){.start = at, .position = item->kind == ITEM_OPEN_POSITION};
    size_t end = walk(pattern, match, index + 1, at);
    if (end == NO_MATCH)
        *capture = before;
    return end;
}

static size_t skip_back_reference(const struct gw_pattern_item *item, struct gw_pattern_match *match, size_t at)
{
    struct gw_pattern_capture capture = match->captures[item->argument];
    size_t length = capture.length;
    const char *bytes = match->subject.at;
    if (!spend(match, 1 + length / 16) || capture.position || length > match->subject.length - at)
        return NO_MATCH;
    return length == 0 || memcmp(bytes + at, bytes + capture.start, length) == 0 ? at + length : NO_MATCH;
}

static size_t skip_balanced(const struct gw_pattern_item *item, struct gw_pattern_match *match, size_t at)
{
    struct gw_str subject = match->subject;
    if (!spend(match, 1) || at >= subject.length || (unsigned char)subject.at[at] != item->argument)
        return NO_MATCH;
    size_t depth = 1;
    for (size_t i = at + 1; i < subject.length && spend(match, 1); i++) {
        unsigned char c = (unsigned char)subject.at[i];
        if (c == item->argument2) {
            if (--depth == 0)
                return i + 1;
        } else if (c == item->argument) {
            depth++;
        }
    }
    return NO_MATCH;
}

static size_t skip_frontier(const struct gw_pattern *pattern, const struct gw_pattern_item *item,
                            struct gw_pattern_match *match, size_t at)
{
    struct gw_str subject = match->subject;
    const uint32_t *set = pattern->sets[item->argument];
    unsigned char before = at == 0 ? 0 : (unsigned char)subject.at[at - 1];
    unsigned char here = at < subject.length ? (unsigned char)subject.at[at] : 0;
    return spend(match, 1) && !in_set(set, before) && in_set(set, here) ? at : NO_MATCH;
}

static size_t skip_item(const struct gw_pattern *pattern, const struct gw_pattern_item *item,
                        struct gw_pattern_match *match, size_t at)
{
    switch (item->kind) {
    case ITEM_BACK:
        return skip_back_reference(item, match, at);
    case ITEM_BALANCED:
        return skip_balanced(item, match, at);
    case ITEM_FRONTIER:
        return skip_frontier(pattern, item, match, at);
    case ITEM_END:
        return spend(match, 1) && at == match->subject.length ? at : NO_MATCH;
    default:
        return matches_at(pattern, item, match, at) ? at + 1 : NO_MATCH;
    }
}

static size_t walk(const struct gw_pattern *pattern, struct gw_pattern_match *match, size_t index, size_t at)
{
    for (; index < pattern->item_count; index++) {
        const struct gw_pattern_item *item = &pattern->items[index];
        if (!spend(match, 1))
            return NO_MATCH;
        if (item->repeat != 0)
            return walk_repeat(pattern, match, index, at);
        if (item->kind == ITEM_OPEN || item->kind == ITEM_OPEN_POSITION || item->kind == ITEM_CLOSE)
            return walk_capture(pattern, match, index, at);
        at = skip_item(pattern, item, match, at);
        if (at == NO_MATCH)
            return NO_MATCH;
    }
    return at;
}

enum gw_status gw_pattern_match_at(const struct gw_pattern *pattern, struct gw_pattern_match *match, size_t from)
{
    if (!spend(match, 1))
        return GW_E_LIMIT;
    size_t end = walk(pattern, match, 0, from);
    if (match->steps < 0)
        return GW_E_LIMIT;
    if (end == NO_MATCH)
        return GW_E_MISSING;
    match->start = from;
    match->end = end;
    return GW_OK;
}

enum gw_status gw_pattern_find(const struct gw_pattern *pattern, struct gw_pattern_match *match, size_t from)
{
    for (size_t at = from; at <= match->subject.length; at++) {
        enum gw_status status = gw_pattern_match_at(pattern, match, at);
        if (status != GW_E_MISSING || pattern->anchored)
            return status;
    }
    return GW_E_MISSING;
}

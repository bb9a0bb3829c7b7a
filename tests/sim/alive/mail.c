// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/alive/mail.h"

#include "base/alloc.h"

void mail_init(struct mail *mail)
{
	*mail = (struct mail){ 0 };
}

/* Those that are free have no kind that owns anything. */
void mail_deinit(struct mail *mail)
{
	for (uint32_t i = 1; i < mail->capacity; i++) {
		if (mail->letters[i].kind == LETTER_RING)
			free(mail->letters[i].ring);
	}
	free(mail->letters);
}

static void grow(struct mail *mail)
{
	uint32_t from = mail->capacity ? mail->capacity : 1;

	mail->capacity = 2 * from + 256;
	mail->letters = mem_resize(mail->letters, mail->capacity, sizeof(*mail->letters));
	for (uint32_t i = from; i < mail->capacity; i++) {
		mail->letters[i].kind = LETTER_DATAGRAM;
		mail->letters[i].next = i + 1 < mail->capacity ? i + 1 : 0;
	}
	mail->free = from;
}

uint32_t mail_put(struct mail *mail, const struct letter *letter)
{
	uint32_t i;

	if (!mail->free)
		grow(mail);
	i = mail->free;
	mail->free = mail->letters[i].next;
	mail->letters[i] = *letter;
	mail->letters[i].next = 0;
	mail->used++;
	return i;
}

struct letter *mail_at(const struct mail *mail, uint32_t letter)
{
	return &mail->letters[letter];
}

void mail_end(struct mail *mail, uint32_t letter)
{
	struct letter *ended = &mail->letters[letter];

	if (ended->kind == LETTER_RING)
		free(ended->ring);
	ended->kind = LETTER_DATAGRAM;
	ended->next = mail->free;
	mail->free = letter;
	mail->used--;
}

void mail_append(struct mail *mail, struct mail_queue *queue, uint32_t letter)
{
	mail->letters[letter].next = 0;
	if (queue->first)
		mail->letters[queue->last].next = letter;
	else
		queue->first = letter;
	queue->last = letter;
}

uint32_t mail_take(struct mail *mail, struct mail_queue *queue)
{
	uint32_t letter = queue->first;

	if (letter)
		queue->first = mail->letters[letter].next;
	return letter;
}

void mail_end_all(struct mail *mail, struct mail_queue *queue)
{
	uint32_t letter;

	while ((letter = mail_take(mail, queue)))
		mail_end(mail, letter);
}

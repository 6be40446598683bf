/** Search that does not mind diacritics, case or the order of words: "nga tu cho" finds "Ngã tư chợ". */

export function fold(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{Diacritic}/gu, '')
    .replaceAll('đ', 'd')
    .replaceAll('Đ', 'd')
    .toLowerCase();
}

/** True when each word of the query is somewhere in one of the texts. */
export function matches(query: string, ...texts: string[]): boolean {
  const haystack = fold(texts.join(' '));
  return fold(query)
    .split(/\s+/)
    .every((word) => haystack.includes(word));
}

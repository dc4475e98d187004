// The page's data: an index of all dialogues, and their texts in chunks that are unpacked when they are needed.

const unpack = async (id) => {
  const binary = atob(document.getElementById(id).textContent);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
};

const openData = async () => {
  const index = await unpack("index");
  const rows = index.rows.map(([id, level, state, people, snippet], number) => ({
    id, number, snippet, people, level: index.levels[level], ...index.states[state],
  }));
  const byId = new Map(rows.map((row) => [row.id, row]));
  const chunks = new Map();
  const haystacks = new Map();

  const chunk = (number) => {
    if (!chunks.has(number)) chunks.set(number, unpack(`chunk-${number}`));
    return chunks.get(number);
  };

  const dialogue = async (row) => {
    const { origins, dialogues } = await chunk(Math.floor(row.number / index.chunk));
    const details = dialogues[row.number % index.chunk];
    return { ...details, origin: origins[details.origin] };
  };

  // What is searched of each dialogue of a chunk, in lower case.
  const haystack = async (number) => {
    if (!haystacks.has(number)) {
      const { dialogues } = await chunk(number);
      haystacks.set(number, dialogues.map(({ turns, sentence, facet }) =>
        [sentence, facet, ...turns.map(([, text]) => text)].join("\n").toLowerCase()));
    }
    return haystacks.get(number);
  };

  // The rows that hold every term, or begin with the one term as their id; null when `stale()` meanwhile.
  const search = async (candidates, terms, stale) => {
    const matches = [];
    let last = -1;
    let texts = [];
    for (const row of candidates) {
      const number = Math.floor(row.number / index.chunk);
      if (number !== last) {
        texts = await haystack(number);
        last = number;
        if (stale()) return null;
      }
      const text = texts[row.number % index.chunk];
      if (terms.every((term) => text.includes(term)) || (terms.length === 1 && row.id.startsWith(terms[0]))) {
        matches.push(row);
      }
    }
    return matches;
  };

  return { index, rows, byId, dialogue, search };
};

// Words and "phrases" of a query, in lower case.
const termsOf = (query) => {
  const parts = query.toLowerCase().replaceAll(/[“”„«»]/g, '"').match(/"[^"]*"?|[^\s"]+/g) ?? [];
  return parts.map((part) => part.replaceAll('"', "").trim()).filter(Boolean);
};

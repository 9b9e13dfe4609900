export const compareText = {
  columns: {
    run: 'Run',
    state: 'State',
    parameters: 'Parameters',
    tokenizer: 'Tokenizer',
    tokens: 'Tokens',
    loss: 'Train loss, nats/token',
    valLoss: 'Best val loss, nats/token',
    bitsPerByte: 'Bits/byte',
  },
  against: 'Δ best val loss vs.',
  title: 'Compare runs',
  pick: 'Select runs on the Runs page first.',
  back: 'Runs',
} as const;

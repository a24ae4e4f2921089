/**
 * Errors in Italian, by their codes: what happened, and what to do. What the service says of the case itself is shown
 * beside them, in its own words.
 */
export const errors: Record<string, { title: string; cure: string | null }> = {
  access_refused: { title: "Questo non è consentito.", cure: "Chiedi a chi gestisce il servizio." },
  address_refused: {
    title: "A quell’indirizzo non ci si collega: non è della rete pubblica.",
    cure: "Usa un indirizzo pubblico, o fai ammettere l’host nelle impostazioni del servizio.",
  },
  bad_result: {
    title: "Il risultato della rete non era plausibile, ed è stato rifiutato.",
    cure: "Prova un altro modello, o un metodo senza rete.",
  },
  batch_not_found: { title: "Questa serie non c’è.", cure: "Forse è stata eliminata: guarda l’elenco." },
  cancelled: { title: "Il lavoro è stato fermato.", cure: null },
  configuration: {
    title: "Un’impostazione del servizio è sbagliata.",
    cure: "Correggila nel file delle impostazioni o nell’ambiente.",
  },
  conflict: { title: "La stessa chiave di richiesta è già servita per altro.", cure: "Usane una nuova." },
  consent_missing: {
    title: "Un’immagine lascerebbe questo computer, e nessuno vi ha acconsentito.",
    cure: "Dai il consenso nelle opzioni, o lavora senza cloud.",
  },
  corrupt_image: {
    title: "L’immagine è danneggiata e non si può leggere per intero.",
    cure: "Recuperala di nuovo da dove è venuta.",
  },
  database: {
    title: "La banca dati non risponde.",
    cure: "Riprova fra poco; se continua, chiedi a chi gestisce il servizio.",
  },
  delivery_not_found: { title: "Questo messaggio a un webhook non c’è.", cure: "Guarda l’elenco." },
  device_unavailable: {
    title: "Il dispositivo richiesto non c’è, o non si può usare.",
    cure: "Scegli «Automatico» o «CPU» nelle opzioni.",
  },
  download_failed: { title: "Lo scaricamento non è riuscito.", cure: "Riprova; quanto è già arrivato resta." },
  download_interrupted: {
    title: "Lo scaricamento si è interrotto.",
    cure: "Riprova: continua da dove si è fermato.",
  },
  egress_refused: {
    title: "Le impostazioni non consentono connessioni per questo scopo.",
    cure: "Consentile nelle impostazioni del servizio, se le vuoi.",
  },
  engine: { title: "Una rete non è partita.", cure: "Prova un altro modello, o un metodo senza rete." },
  error: {
    title: "È successo qualcosa di imprevisto.",
    cure: "È un difetto di Darkroom; il registro del servizio dice dove.",
  },
  extra_missing: {
    title: "Serve una parte facoltativa di Darkroom che non è installata.",
    cure: "Chi gestisce il servizio può aggiungerla, o scegli un altro modello.",
  },
  fallback_refused: {
    title: "Ciò che è stato chiesto non si può fare qui, e i ripieghi sono esclusi.",
    cure: "Disattiva «Nessun ripiego» nelle opzioni, o chiedi altro.",
  },
  file_missing: { title: "Il file non è più nell’archivio.", cure: "Aggiungi di nuovo l’immagine." },
  host_refused: {
    title: "La richiesta è rivolta a un nome che non è di questo servizio.",
    cure: "Apri la pagina a un indirizzo del servizio, o fai ammettere il nome nelle impostazioni.",
  },
  image_not_found: { title: "Questa immagine non c’è.", cure: "Forse è stata eliminata: aggiungila di nuovo." },
  infected: { title: "L’antivirus ha trovato qualcosa di nocivo nel file.", cure: "Non usarlo." },
  inference_failed: {
    title: "La rete si è fermata con un errore.",
    cure: "Riprova, o prova un altro modello o la CPU.",
  },
  input: { title: "C’è qualcosa che non va in questa immagine.", cure: "Prova con un’altra copia." },
  input_not_found: { title: "Il file non c’è, o non si può leggere.", cure: "Controlla che esista." },
  invalid_parameters: {
    title: "Qualcosa in ciò che è stato chiesto non va bene.",
    cure: "Correggi il valore indicato.",
  },
  job_not_found: { title: "Questo lavoro non c’è.", cure: "Forse è stato eliminato: guarda l’elenco." },
  key_not_found: { title: "Questa chiave API non c’è.", cure: "Guarda l’elenco delle chiavi." },
  ledger: {
    title: "La connessione non si poteva annotare nel registro, e non è stata fatta.",
    cure: "Controlla che ci sia spazio su disco.",
  },
  licence_refused: {
    title: "La licenza del modello non consente l’uso commerciale, e qui si vogliono solo modelli che lo consentono.",
    cure: "Scegli un altro modello.",
  },
  limit_exceeded: {
    title: "È più grande di quanto i limiti consentono.",
    cure: "Chiedi meno, o fai alzare il limite nelle impostazioni del servizio.",
  },
  method_not_allowed: { title: "A questo indirizzo non si può chiedere così.", cure: "Vedi /docs." },
  model: { title: "C’è qualcosa che non va in un modello.", cure: "Provane un altro." },
  model_corrupt: {
    title: "Il file del modello è danneggiato.",
    cure: "Rimuovilo e scaricalo di nuovo dai modelli.",
  },
  model_missing: { title: "Il modello non è su questo computer.", cure: "Scaricalo dai modelli." },
  name_unknown: { title: "Quel nome di host non ha un indirizzo.", cure: "Controlla come è scritto, e la rete." },
  network: { title: "Una connessione verso l’esterno non è riuscita.", cure: "Riprova fra poco." },
  not_acceptable: { title: "Il programma che chiede non accetta nessuno dei formati possibili.", cure: null },
  not_allowed: { title: "Questa chiave API non basta per farlo.", cure: "Chiedine una con più permessi." },
  not_authenticated: {
    title: "Manca una chiave API valida.",
    cure: "Inseriscila; chi gestisce il servizio ne crea una.",
  },
  not_found: { title: "Qui non c’è nulla.", cure: "Vedi /docs." },
  not_understood: {
    title: "La risposta non è del servizio.",
    cure: "Controlla che cosa c’è fra la pagina e il servizio.",
  },
  offline: { title: "Fuori rete: nessuna connessione è consentita.", cure: "Disattiva «Fuori rete» nelle opzioni." },
  origin_refused: {
    title: "La richiesta viene da una pagina che qui non può cambiare nulla.",
    cure: "Usa la pagina del servizio, o fai ammettere l’origine nelle impostazioni.",
  },
  out_of_memory: {
    title: "La memoria non basta.",
    cure: "Lavora su un’immagine più piccola, o chiudi altri programmi.",
  },
  output: { title: "Il risultato non si può scrivere come chiesto.", cure: "Scegli un altro formato o valore." },
  page: { title: "Qualcosa nella pagina non è riuscito.", cure: "Ricarica la pagina e riprova." },
  provider_failed: {
    title: "Il servizio cloud non ha fatto quanto chiesto.",
    cure: "Riprova più tardi, o lavora su questo computer.",
  },
  queue: { title: "La coda dei lavori non risponde.", cure: "Riprova fra poco." },
  range: { title: "Il file non ha quei byte.", cure: "Scaricalo dall’inizio." },
  restarting: {
    title: "Il servizio si sta chiudendo, o riparte con altre impostazioni.",
    cure: "Riprova fra un momento.",
  },
  scanner_unavailable: {
    title: "L’antivirus non risponde, e senza di lui nessun file viene accettato.",
    cure: "Riprova fra poco; se continua, chiedi a chi gestisce il servizio.",
  },
  service: { title: "Qualcosa su cui il servizio si appoggia non funziona.", cure: "Riprova fra poco." },
  settings_conflict: {
    title: "Un’impostazione non può stare insieme alle altre come sono.",
    cure: "Cambia prima quella che la contraddice.",
  },
  signature: { title: "La firma dell’indirizzo non è valida, o è scaduta.", cure: "Chiedi un indirizzo nuovo." },
  storage: {
    title: "L’archivio non si può leggere o scrivere.",
    cure: "Controlla lo spazio su disco e la connessione all’archivio.",
  },
  timed_out: {
    title: "È durato più del consentito, ed è stato fermato.",
    cure: "Prova un’immagine più piccola o meno passi, o fai alzare il limite.",
  },
  too_many_requests: { title: "Troppe richieste in poco tempo.", cure: "Aspetta un momento e riprova." },
  unknown_model: { title: "Non c’è un modello con questo nome.", cure: "Guarda l’elenco dei modelli." },
  unknown_operation: { title: "Non c’è un’operazione con questo nome.", cure: "Scegline una dall’elenco." },
  unknown_recipe: { title: "Non c’è una ricetta con questo nome.", cure: "Scegline una dall’elenco." },
  unsafe_content: {
    title: "Il file è un documento che può eseguire codice o prelevare altro quando si apre.",
    cure: "Salvalo senza script e senza collegamenti, o come PNG.",
  },
  unsafe_weights: {
    title: "Il file dei pesi contiene altro che numeri, e non viene caricato.",
    cure: "Usa una versione .safetensors o .onnx.",
  },
  unsupported_format: {
    title: "Questo tipo di file non si legge, o non è un’immagine.",
    cure: "Si leggono JPEG, PNG, WebP, AVIF, TIFF, GIF, BMP e SVG.",
  },
  unsupported_model: {
    title: "L’architettura di questo modello non si può usare qui.",
    cure: "Scegli un altro modello.",
  },
  worker_died: {
    title: "Il processo che ci lavorava si è chiuso prima di rispondere.",
    cure: "Riprova; se succede ancora, il file è forse danneggiato o troppo grande.",
  },
};

// A form with data-passkey asks the browser for a passkey before it is sent: "create" makes one, "get" uses one.
'use strict'
for (const form of document.querySelectorAll('form[data-passkey]')) {
  form.addEventListener('submit', async event => {
    const answer = form.elements.credential
    if (answer.value) return
    event.preventDefault()
    const fault = document.querySelector('[data-passkey-fault]')
    fault.hidden = true
    try {
      const challenge = JSON.parse(document.getElementById('passkey-challenge').textContent)
      answer.value = JSON.stringify(await webauthnJSON[form.dataset.passkey](challenge))
      form.submit()
    } catch {
      fault.hidden = false
    }
  })
}

# A root, a CA below it, the CA's spokesman, and what a gateway was given at manufacture.
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>/dev/null; }
root() {
    key "$1"
    openssl req -x509 -new -key "$1.key" -subj "/CN=$1" -days 30 -out "$1.pem" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
}
below() {
    key "$1"
    openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
    printf 'subjectKeyIdentifier=hash\n%s\n%s\n' "$3" "$4" > "$1.ext"
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -days 20 -set_serial "$5" -extfile "$1.ext" -out "$1.pem" 2>/dev/null
}
root ca-root
root other
below sub ca-root basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign 1
below spokesman sub keyUsage=critical,digitalSignature extendedKeyUsage=1.3.6.1.5.5.7.3.28 2
below factory sub keyUsage=critical,digitalSignature basicConstraints=critical,CA:FALSE 3
cat sub.pem factory.key >> factory.pem
cp factory.ext end.ext

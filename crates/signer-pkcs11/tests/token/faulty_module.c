/*
 * A PKCS#11 module that hands every call to SoftHSM2 and, when told to, answers with a fault: what HSMs do on bad days.
 * For tests only; compiled and loaded by faults.rs, and by the tests of the guided ceremony.
 *
 * Told by the file "faults" in the test's directory, one fault a line: name, number, how often. A function's name makes
 * it answer the number; "token-flags" adds the number to the flags of the token, "told-sessions" makes it tell that it has
 * no more sessions than that, and "max-sessions" makes it so; "spoil-C_Sign" turns a bit of a signature. The power goes with
 * "cut-" and the name of C_Sign, C_GenerateKeyPair or C_SetAttributeValue: with 1 before the call, with 2 after it, with 0 not
 * at this one. Calls are written down in the file "calls", one name a line.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long number;

/* CK_FUNCTION_LIST of PKCS#11 v2.40: the version, then 68 functions in the order of the standard. */
struct functions {
    unsigned char version[2];
    void *at[68];
};
enum { GET_FUNCTION_LIST = 3, GET_TOKEN_INFO = 6, OPEN_SESSION = 12, CLOSE_SESSION = 13, LOGIN = 18,
       SET_ATTRIBUTE_VALUE = 25, SIGN_INIT = 42, SIGN = 43, GENERATE_KEY_PAIR = 59 };

/* CK_TOKEN_INFO as far as it is touched: label, manufacturer, model, serial number, flags, ulMaxSessionCount. */
struct token_info {
    unsigned char texts[32 + 32 + 16 + 16];
    number flags, max_sessions;
};

static struct functions *real, faulty;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static number open_sessions;

static FILE *open_file(const char *name, const char *mode) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", getenv("SIGNER_PKCS11_TEST_DIRECTORY"), name);
    return fopen(path, mode);
}

/* Looks for a fault of this name, uses it up by one, and gives its number. */
static int fault(const char *name, number *value) {
    char names[16][32];
    number values[16];
    int times[16], count = 0, found = 0;
    FILE *file = open_file("faults", "r");
    if (file == NULL)
        return 0;
    while (count < 16 && fscanf(file, "%31s %lu %d", names[count], &values[count], &times[count]) == 3)
        count++;
    fclose(file);
    for (int i = 0; i < count && !found; i++)
        if (strcmp(names[i], name) == 0 && times[i] > 0) {
            *value = values[i];
            times[i]--;
            found = 1;
        }
    if (found && (file = open_file("faults", "w")) != NULL) {
        for (int i = 0; i < count; i++)
            fprintf(file, "%s %lu %d\n", names[i], values[i], times[i]);
        fclose(file);
    }
    return found;
}

/* Writes a call down and says whether, and what, it answers instead of being handed on. */
static int called(const char *name, number *answer) {
    pthread_mutex_lock(&one_at_a_time);
    FILE *file = open_file("calls", "a");
    if (file != NULL) {
        fprintf(file, "%s\n", name);
        fclose(file);
    }
    int found = fault(name, answer);
    pthread_mutex_unlock(&one_at_a_time);
    return found;
}

/* When the power goes around this call: never, before it, after it. */
enum { NEVER, BEFORE, AFTER };

static number power_cut(const char *name) {
    char cut[32];
    number when = NEVER;
    snprintf(cut, sizeof cut, "cut-%s", name);
    pthread_mutex_lock(&one_at_a_time);
    if (!fault(cut, &when))
        when = NEVER;
    pthread_mutex_unlock(&one_at_a_time);
    if (when == BEFORE)
        kill(getpid(), SIGKILL);
    return when;
}

static number after(number power_goes, number answer) {
    if (power_goes == AFTER)
        kill(getpid(), SIGKILL);
    return answer;
}

static number get_token_info(number slot, struct token_info *info) {
    number answer = ((number(*)(number, struct token_info *))real->at[GET_TOKEN_INFO])(slot, info), flags, sessions;
    pthread_mutex_lock(&one_at_a_time);
    if (answer == 0 && fault("token-flags", &flags))
        info->flags |= flags;
    if (answer == 0 && fault("told-sessions", &sessions))
        info->max_sessions = sessions;
    pthread_mutex_unlock(&one_at_a_time);
    return answer;
}

static number open_session(number slot, number flags, void *application, void *notify, number *session) {
    number answer, most;
    if (called("C_OpenSession", &answer))
        return answer;
    pthread_mutex_lock(&one_at_a_time);
    if (fault("max-sessions", &most) && open_sessions >= most)
        answer = 0xB1; /* CKR_SESSION_COUNT */
    else
        answer = ((number(*)(number, number, void *, void *, number *))real->at[OPEN_SESSION])(slot, flags, application,
                                                                                               notify, session);
    if (answer == 0)
        open_sessions++;
    pthread_mutex_unlock(&one_at_a_time);
    return answer;
}

static number close_session(number session) {
    pthread_mutex_lock(&one_at_a_time);
    number answer = ((number(*)(number))real->at[CLOSE_SESSION])(session);
    if (answer == 0)
        open_sessions--;
    pthread_mutex_unlock(&one_at_a_time);
    return answer;
}

static number login(number session, number user, unsigned char *pin, number length) {
    number answer;
    if (called("C_Login", &answer))
        return answer;
    return ((number(*)(number, number, unsigned char *, number))real->at[LOGIN])(session, user, pin, length);
}

static number sign_init(number session, void *mechanism, number key) {
    number answer;
    if (called("C_SignInit", &answer))
        return answer;
    return ((number(*)(number, void *, number))real->at[SIGN_INIT])(session, mechanism, key);
}

/* Signs before it answers the fault: the signature exists, and no one gets it. */
static number sign(number session, void *data, number length, void *signature, number *signature_length) {
    number fault_answer, spoil, power_goes = signature == NULL ? NEVER : power_cut("C_Sign");
    int faulted = signature != NULL && called("C_Sign", &fault_answer);
    number answer = ((number(*)(number, void *, number, void *, number *))real->at[SIGN])(session, data, length, signature,
                                                                                         signature_length);
    pthread_mutex_lock(&one_at_a_time);
    if (signature != NULL && answer == 0 && fault("spoil-C_Sign", &spoil))
        ((unsigned char *)signature)[*signature_length - 1] ^= 1;
    pthread_mutex_unlock(&one_at_a_time);
    return after(power_goes, faulted ? fault_answer : answer);
}

static number set_attribute_value(number session, number object, void *attributes, number count) {
    number answer;
    if (called("C_SetAttributeValue", &answer))
        return answer;
    number power_goes = power_cut("C_SetAttributeValue");
    answer = ((number(*)(number, number, void *, number))real->at[SET_ATTRIBUTE_VALUE])(session, object, attributes, count);
    return after(power_goes, answer);
}

static number generate_key_pair(number session, void *mechanism, void *public_attributes, number public_count,
                                void *private_attributes, number private_count, number *public, number *private) {
    number answer;
    if (called("C_GenerateKeyPair", &answer))
        return answer;
    number power_goes = power_cut("C_GenerateKeyPair");
    answer = ((number(*)(number, void *, void *, number, void *, number, number *, number *))real->at[GENERATE_KEY_PAIR])(
        session, mechanism, public_attributes, public_count, private_attributes, private_count, public, private);
    return after(power_goes, answer);
}

number C_GetFunctionList(struct functions **list) {
    void *softhsm = dlopen(getenv("SIGNER_PKCS11_TEST_SOFTHSM"), RTLD_NOW | RTLD_LOCAL);
    if (softhsm == NULL)
        return 5; /* CKR_GENERAL_ERROR */
    number answer = ((number(*)(struct functions **))dlsym(softhsm, "C_GetFunctionList"))(&real);
    if (answer != 0)
        return answer;
    faulty = *real;
    faulty.at[GET_FUNCTION_LIST] = (void *)C_GetFunctionList;
    faulty.at[GET_TOKEN_INFO] = (void *)get_token_info;
    faulty.at[OPEN_SESSION] = (void *)open_session;
    faulty.at[CLOSE_SESSION] = (void *)close_session;
    faulty.at[LOGIN] = (void *)login;
    faulty.at[SET_ATTRIBUTE_VALUE] = (void *)set_attribute_value;
    faulty.at[SIGN_INIT] = (void *)sign_init;
    faulty.at[SIGN] = (void *)sign;
    faulty.at[GENERATE_KEY_PAIR] = (void *)generate_key_pair;
    *list = &faulty;
    return 0;
}

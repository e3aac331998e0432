(** * Recomputing the gradient of one run

    gradcheck writes the tape of a run over scalars as a program whose partials are
    exact rationals, with the adjoints that the run claims and how far each may be
    off.  [check] recomputes the adjoints, exactly.  [check_sound] says what it
    means that [check] answers [true].  The partials are taken as given. *)

Require Import List Arith Bool String QArith Qabs Qcanon.
From GradCheck Require Import Operations.
Import ListNotations.
Open Scope string_scope.

(** Rationals in lowest terms: equal ones are the same, so they are a ring as
    [Operations] wants it. *)
Notation vertex := (Operations.vertex string Qc).
Notation backward := (Operations.backward string String.eqb Qc 0%Qc Qcplus Qcmult).
Notation sum_over_paths := (Operations.sum_over_paths string String.eqb Qc 0%Qc 1%Qc Qcplus Qcmult).

(** Inputs, outputs, and one row of partials per output, by slot. *)
Definition operation (inputs outputs : list string) (rows : list (list Q)) : vertex :=
  let rows := map (map Q2Qc) rows in
  Vertex inputs outputs (fun j k => nth k (nth j rows []) 0%Qc).

Definition seeded (seeds : list (string * Q)) : string -> Qc :=
  let seeds := map (fun '(x, q) => (x, Q2Qc q)) seeds in
  fun x => match find (fun p => String.eqb (fst p) x) seeds with Some (_, q) => q | None => 0%Qc end.

Definition member (x : string) (l : list string) : bool := existsb (String.eqb x) l.

Fixpoint distinct (l : list string) : bool :=
  match l with
  | [] => true
  | x :: l' => negb (member x l') && distinct l'
  end.

Fixpoint is_valid (known : list string) (P : list vertex) : bool :=
  match P with
  | [] => distinct known
  | o :: P' => forallb (fun x => member x known) (inputs o) && is_valid (outputs o ++ known) P'
  end.

(** The program is valid, and each claimed adjoint (variable, number, bound) is the
    recomputed one up to its bound, which is 0 for an exact claim. *)
Definition check (sources : list string) (P : list vertex) (seeds : list (string * Q))
    (claims : list (string * Q * Q)) : bool :=
  let adjoints := backward P (seeded seeds) in
  let vars := variables sources P in
  is_valid sources P
  && forallb (fun seed => member (fst seed) vars) seeds
  && forallb (fun '(x, q, bound) =>
       member x vars && Qle_bool (Qabs (this (adjoints x) - q)) bound) claims.

Lemma member_spec : forall x l, member x l = true <-> In x l.
Proof.
  intros x l. unfold member. rewrite existsb_exists. split.
  - intros [y [Hy E]]. apply String.eqb_eq in E. now subst.
  - intro H. exists x. split; [assumption | apply String.eqb_refl].
Qed.

Lemma distinct_sound : forall l, distinct l = true -> NoDup l.
Proof.
  induction l as [|x l IH]; intro H; simpl in H; [constructor|].
  apply andb_true_iff in H. destruct H as [Hx Hl]. constructor; [|auto].
  intro Hi. apply member_spec in Hi. rewrite Hi in Hx. discriminate.
Qed.

Lemma is_valid_sound : forall P known, is_valid known P = true -> valid known P.
Proof.
  induction P as [|o P IH]; intros known H; simpl in *; [now apply distinct_sound|].
  apply andb_true_iff in H. destruct H as [Hi Hv]. split; [|auto].
  intros x Hx. rewrite forallb_forall in Hi. now apply member_spec, Hi.
Qed.

(** WHAT AN ACCEPTED CERTIFICATE MEANS.  The program is valid, and every claimed
    number differs by no more than its bound from the exact derivative of the
    seeded sum: seeds times the sums over all paths of the products of partials. *)
Theorem check_sound : forall sources P seeds claims,
  check sources P seeds claims = true ->
  valid sources P /\
  forall x q bound, In (x, q, bound) claims ->
    In x (variables sources P) /\
    (Qabs (this (Operations.sum Qc 0%Qc Qcplus
       (fun u => Qcmult (seeded seeds u) (sum_over_paths P x u)) (variables sources P)) - q)
     <= bound)%Q.
Proof.
  intros sources P seeds claims H. unfold check in H.
  apply andb_true_iff in H. destruct H as [H Hc].
  apply andb_true_iff in H. destruct H as [Hv _].
  apply is_valid_sound in Hv. split; [assumption|]. intros x q bound Hi.
  rewrite forallb_forall in Hc. specialize (Hc _ Hi). simpl in Hc.
  apply andb_true_iff in Hc. destruct Hc as [Hx Hq]. apply member_spec in Hx.
  split; [assumption|]. apply Qle_bool_iff in Hq.
  rewrite (proj1 (reverse_accumulation_is_correct string String.eqb String.eqb_spec Qc 0%Qc 1%Qc
    Qcplus Qcmult Qcminus Qcopp Qcrt sources P (seeded seeds) x Hv Hx)) in Hq.
  exact Hq.
Qed.

(** x x at x = 7 has the derivative 14. *)
Example right_adjoint :
  check ["x"] [operation ["x"; "x"] ["y"] [[7#1; 7#1]]]%Q [("y", 1)]%Q [("x", 14, 0)]%Q = true.
Proof. vm_compute. reflexivity. Qed.

(** 7 is not, not even up to 6. *)
Example wrong_adjoint :
  check ["x"] [operation ["x"; "x"] ["y"] [[7#1; 7#1]]]%Q [("y", 1)]%Q [("x", 7, 6)]%Q = false.
Proof. vm_compute. reflexivity. Qed.

(** * Recomputing the gradient of one run

    gradcheck writes the tape of a run over scalars as a program whose partials are
    exact rationals, with the adjoints that the run claims and how far each may be
    off.  [check] recomputes the adjoints, exactly; it is written to be fast.
    [check_sound] says what it means that [check] answers [true], in the terms of
    [Operations].  The partials are taken as given. *)

Require Import List Arith Bool QArith Qabs Qcanon PArith FMapPositive Permutation.
From GradCheck Require Import Operations.
Import ListNotations.
Open Scope Q_scope.

(** Names of variables are numbers.  Rationals in lowest terms: equal ones are the
    same, so they are a ring as [Operations] wants it. *)
Notation name := positive.
Notation vertex := (Operations.vertex name Qc).
Notation backward := (Operations.backward name Pos.eqb Qc 0%Qc Qcplus Qcmult).
Notation sum_over_paths := (Operations.sum_over_paths name Pos.eqb Qc 0%Qc 1%Qc Qcplus Qcmult).
Notation sum := (Operations.sum Qc 0%Qc Qcplus).

(** ** The certificate *)

(** Inputs, outputs, and one row of partials per output, by slot. *)
Record operation := Op { reads : list name; assigns : list name; rows : list (list Q) }.

Definition entry (o : operation) (j k : nat) : Q := nth k (nth j (rows o) []) 0.

Definition exact (o : operation) : vertex :=
  Vertex (reads o) (assigns o) (fun j k => Q2Qc (entry o j k)).

(** The seed of a variable; 0 if none is given. *)
Definition table := PositiveMap.t Q.
Definition get (m : table) (x : name) : Q :=
  match PositiveMap.find x m with Some q => q | None => 0 end.
Definition table_of (l : list (name * Q)) : table :=
  fold_right (fun p m => PositiveMap.add (fst p) (snd p) m) (PositiveMap.empty Q) l.
Definition seeded (seeds : list (name * Q)) (x : name) : Qc := Q2Qc (get (table_of seeds) x).

(** ** Fast arithmetic: fractions of floats have powers of 2 below the line, where
    no greatest common divisor is needed *)

Fixpoint power_of_two (d : positive) : bool :=
  match d with
  | xH => true
  | xO d' => power_of_two d'
  | xI _ => false
  end.

Fixpoint strip (n d : positive) : positive * positive :=
  match n, d with
  | xO n', xO d' => strip n' d'
  | _, _ => (n, d)
  end.

Definition lowest (q : Q) : Q :=
  if power_of_two (Qden q) then
    match Qnum q with
    | Z0 => 0
    | Zpos n => let (n', d') := strip n (Qden q) in Zpos n' # d'
    | Zneg n => let (n', d') := strip n (Qden q) in Zneg n' # d'
    end
  else Qred q.

Definition plus (a b : Q) : Q :=
  lowest ((Zpos (Qden b) * Qnum a + Zpos (Qden a) * Qnum b) # (Qden a * Qden b)).
Definition times (a b : Q) : Q := lowest (Qnum a * Qnum b # Qden a * Qden b).

(** ** Fast reverse accumulation: adjoints in a table instead of a function *)

Definition fast_pull (o : operation) (m : table) (k : nat) : Q :=
  Operations.sum_from Q 0 plus (fun j y => times (entry o j k) (get m y)) 0%nat (assigns o).

Fixpoint fast_add_each (m : table) (l : list name) (k : nat) (c : nat -> Q) : table :=
  match l with
  | [] => m
  | x :: l' => fast_add_each (PositiveMap.add x (plus (get m x) (c k)) m) l' (S k) c
  end.

Definition fast_backward (P : list operation) (m : table) : table :=
  fold_right (fun o m => fast_add_each m (reads o) 0%nat (fast_pull o m)) m P.

(** ** Validity: every variable is assigned once, before it is read *)

Definition names := PositiveMap.t unit.
Definition known (m : names) (x : name) : bool := PositiveMap.mem x m.

Fixpoint learn (m : names) (l : list name) : option names :=
  match l with
  | [] => Some m
  | x :: l' => if known m x then None else learn (PositiveMap.add x tt m) l'
  end.

Fixpoint validate (m : names) (P : list operation) : option names :=
  match P with
  | [] => Some m
  | o :: P' =>
      if forallb (known m) (reads o)
      then match learn m (assigns o) with Some m' => validate m' P' | None => None end
      else None
  end.

(** The program is valid, and each claimed adjoint (variable, number, bound) is the
    recomputed one up to its bound, which is 0 for an exact claim. *)
Definition check (sources : list name) (P : list operation) (seeds : list (name * Q))
    (claims : list (name * Q * Q)) : bool :=
  match learn (PositiveMap.empty unit) sources with
  | None => false
  | Some m =>
      match validate m P with
      | None => false
      | Some vars =>
          let adjoints := fast_backward P (table_of seeds) in
          forallb (fun seed => known vars (fst seed)) seeds
          && forallb (fun '(x, q, bound) =>
               known vars x && Qle_bool (Qabs (get adjoints x - q)) bound) claims
      end
  end.

(** ** Soundness *)

Lemma strip_spec : forall n d, (Zpos (fst (strip n d)) # snd (strip n d)) == (Zpos n # d).
Proof.
  induction n as [n IH|n IH|]; intros d; simpl; try reflexivity.
  destruct d as [d|d|]; try reflexivity. rewrite IH. unfold Qeq. simpl.
  rewrite !Pos.mul_xO_r. reflexivity.
Qed.

Lemma lowest_spec : forall q, lowest q == q.
Proof.
  intros [[|n|n] d]; unfold lowest; cbn [Qnum Qden];
    (destruct (power_of_two d); [|exact (Qred_correct _)]).
  - reflexivity.
  - pose proof (strip_spec n d) as E. destruct (strip n d). exact E.
  - pose proof (strip_spec n d) as E. destruct (strip n d) as [n' d'].
    unfold Qeq in *. cbn in *. injection E as E. now rewrite E.
Qed.

Lemma plus_spec : forall a b, Q2Qc (plus a b) = (Q2Qc a + Q2Qc b)%Qc.
Proof.
  intros a b. apply Qc_is_canon. unfold Qcplus, Q2Qc. cbn [this].
  rewrite !Qred_correct. unfold plus. rewrite lowest_spec.
  unfold Qplus, Qeq. cbn [Qnum Qden]. ring.
Qed.

Lemma times_spec : forall a b, Q2Qc (times a b) = (Q2Qc a * Q2Qc b)%Qc.
Proof.
  intros a b. apply Qc_is_canon. unfold Qcmult, Q2Qc. cbn [this].
  rewrite !Qred_correct. unfold times. now rewrite lowest_spec.
Qed.

(** A table stands for the function that it tabulates. *)
Definition stands_for (m : table) (s : name -> Qc) : Prop := forall x, Q2Qc (get m x) = s x.

Lemma get_add : forall m x q y, get (PositiveMap.add x q m) y = if Pos.eqb y x then q else get m y.
Proof.
  intros m x q y. unfold get. destruct (Pos.eqb_spec y x) as [->|N].
  - now rewrite PositiveMap.gss.
  - now rewrite PositiveMap.gso.
Qed.

Lemma fast_add_each_spec : forall l m s k c c',
  stands_for m s -> (forall i, Q2Qc (c i) = c' i) ->
  stands_for (fast_add_each m l k c) (Operations.add_each name Pos.eqb Qc Qcplus s l k c').
Proof.
  induction l as [|x l IH]; intros m s k c c' Hm Hc; simpl; [assumption|].
  apply IH; [|assumption]. intro y. rewrite get_add. unfold Operations.add.
  destruct (Pos.eqb_spec y x) as [->|N]; [|apply Hm]. now rewrite plus_spec, Hm, Hc.
Qed.

Lemma fast_pull_spec : forall o m s k, stands_for m s ->
  Q2Qc (fast_pull o m k) = Operations.pull name Qc 0%Qc Qcplus Qcmult (exact o) s k.
Proof.
  intros o m s k Hm. unfold fast_pull, Operations.pull. simpl. generalize 0%nat as j.
  induction (assigns o) as [|y l IH]; intro j; simpl.
  - now apply Qc_is_canon.
  - now rewrite plus_spec, times_spec, Hm, IH.
Qed.

Lemma fast_backward_spec : forall P m s, stands_for m s ->
  stands_for (fast_backward P m) (backward (map exact P) s).
Proof.
  induction P as [|o P IH]; intros m s Hm; simpl; [assumption|].
  apply fast_add_each_spec; [now apply IH|]. intro k. apply fast_pull_spec. now apply IH.
Qed.

(** A table of names stands for a list without repetition. *)
Definition lists (m : names) (l : list name) : Prop :=
  NoDup l /\ forall x, known m x = true <-> In x l.

Lemma known_add : forall m x y, known (PositiveMap.add x tt m) y = true <-> y = x \/ known m y = true.
Proof.
  intros m x y. unfold known. rewrite !PositiveMap.mem_find.
  destruct (Pos.eq_dec y x) as [->|N].
  - rewrite PositiveMap.gss. tauto.
  - rewrite PositiveMap.gso by assumption. tauto.
Qed.

Lemma learn_spec : forall l m m' L, lists m L -> learn m l = Some m' -> lists m' (l ++ L).
Proof.
  induction l as [|x l IH]; intros m m' L [Hd Hm] H; simpl in *.
  - injection H as <-. split; assumption.
  - destruct (known m x) eqn:E; [discriminate|].
    destruct (IH (PositiveMap.add x tt m) m' (x :: L)) as [Hd' Hm']; [|assumption|].
    + split.
      * constructor; [|assumption]. rewrite <- Hm. congruence.
      * intro y. rewrite known_add, Hm. simpl. split; intros [?|?]; auto.
    + assert (Q : Permutation (l ++ x :: L) (x :: l ++ L)) by (symmetry; apply Permutation_middle).
      split.
      * eapply Permutation_NoDup; eassumption.
      * intro y. rewrite Hm'. split; apply Permutation_in; [assumption | symmetry; assumption].
Qed.

Lemma validate_spec : forall P m m' L, lists m L -> validate m P = Some m' ->
  valid L (map exact P) /\ (forall x, known m' x = true <-> In x (variables L (map exact P))).
Proof.
  unfold variables.
  induction P as [|o P IH]; intros m m' L HL H; simpl in *.
  - injection H as <-. destruct HL as [Hd Hm]. split; [assumption|].
    intro x. rewrite app_nil_r. apply Hm.
  - destruct (forallb (known m) (reads o)) eqn:E; [|discriminate].
    destruct (learn m (assigns o)) as [m1|] eqn:F; [|discriminate].
    destruct (IH m1 m' (assigns o ++ L)) as [Hv Hk]; [eapply learn_spec; eassumption | assumption |].
    split; [split|].
    + intros x Hx. rewrite forallb_forall in E. destruct HL as [_ Hm]. now apply Hm, E.
    + assumption.
    + intro x. rewrite Hk, !in_app_iff. tauto.
Qed.

(** WHAT AN ACCEPTED CERTIFICATE MEANS.  The program is valid, and every claimed
    number differs by no more than its bound from the exact derivative of the
    seeded sum: seeds times the sums over all paths of the products of partials. *)
Theorem check_sound : forall sources P seeds claims,
  check sources P seeds claims = true ->
  let vars := variables sources (map exact P) in
  valid sources (map exact P) /\
  forall x q bound, In (x, q, bound) claims ->
    In x vars /\
    Qabs (sum (fun u => seeded seeds u * sum_over_paths (map exact P) x u)%Qc vars - q) <= bound.
Proof.
  intros sources P seeds claims H vars. unfold check in H.
  destruct (learn (PositiveMap.empty unit) sources) as [m|] eqn:E1; [|discriminate].
  destruct (validate m P) as [m'|] eqn:E2; [|discriminate].
  assert (L0 : lists (PositiveMap.empty unit) []).
  { split; [constructor|]. intro x. unfold known. rewrite PositiveMap.mem_find, PositiveMap.gempty.
    simpl. split; [discriminate | tauto]. }
  pose proof (learn_spec _ _ _ _ L0 E1) as L1. rewrite app_nil_r in L1.
  destruct (validate_spec _ _ _ _ L1 E2) as [Hv Hk]. split; [assumption|].
  intros x q bound Hi. apply andb_true_iff in H. destruct H as [_ H].
  rewrite forallb_forall in H. specialize (H _ Hi). simpl in H.
  apply andb_true_iff in H. destruct H as [Hx Hq]. apply Hk in Hx.
  unfold vars. split; [exact Hx|].
  apply Qle_bool_iff in Hq.
  rewrite <- (proj1 (reverse_accumulation_is_correct name Pos.eqb Pos.eqb_spec Qc 0%Qc 1%Qc
    Qcplus Qcmult Qcminus Qcopp Qcrt sources (map exact P) (seeded seeds) x Hv Hx)).
  rewrite <- (fast_backward_spec P (table_of seeds) (seeded seeds)) by (intro; reflexivity).
  unfold Q2Qc. cbn [this]. rewrite Qred_correct. exact Hq.
Qed.

(** x x at x = 7 has the derivative 14. *)
Example right_adjoint :
  check [1%positive] [Op [1; 1]%positive [2%positive] [[7; 7]]] [(2%positive, 1)]
    [(1%positive, 14, 0)] = true.
Proof. vm_compute. reflexivity. Qed.

(** 7 is not, not even up to 6. *)
Example wrong_adjoint :
  check [1%positive] [Op [1; 1]%positive [2%positive] [[7; 7]]] [(2%positive, 1)]
    [(1%positive, 7, 6)] = false.
Proof. vm_compute. reflexivity. Qed.
